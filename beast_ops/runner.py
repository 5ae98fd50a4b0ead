# SPDX-License-Identifier: Apache-2.0
"""The room that runs other programs and waits for them."""

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .errors import CommandError

TAIL_CHARACTERS = 2000
WATCH_SECONDS = 1.0
LOOK_SECONDS = 0.1
PIPE_BYTES = 65_536
STARTED = Path(__file__).with_name("started.py")


class Runner(Protocol):
    """Anything that can run a command and hand back what it printed."""

    def run(self, argv: Sequence[str], *, seconds: float = 60) -> str:
        """Run *argv* for at most *seconds*; raise `CommandError` when it ends badly."""
        ...

    def watch(self, argv: Sequence[str], doubt: Callable[[], str], *, seconds: float) -> None:
        """Run *argv* until it ends or *doubt* says why it never will; raise `CommandError` then."""
        ...


class LocalRunner:
    """Run on this machine, without a shell."""

    def __init__(self, cwd: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        """Remember where commands run and, if given, their whole environment."""
        self._cwd = cwd
        self._environ = dict(environ) if environ is not None else None

    def run(self, argv: Sequence[str], *, seconds: float = 60) -> str:
        """Run *argv* for at most *seconds* and return its standard output.

        Raises:
            CommandError: If it cannot start, takes longer, or ends with another code than 0.
        """
        try:
            done = subprocess.run(
                argv,
                cwd=self._cwd,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired as late:
            raise CommandError(f"took longer than {seconds:g} s", subject=argv[0]) from late
        except OSError as unable:
            raise CommandError(f"could not start: {unable.strerror}", subject=argv[0]) from unable
        if done.returncode:
            last = (done.stderr or done.stdout).strip()[-TAIL_CHARACTERS:]
            raise CommandError(f"ended with {done.returncode}: {last}", subject=argv[0])
        return done.stdout

    def watch(self, argv: Sequence[str], doubt: Callable[[], str], *, seconds: float) -> None:
        """Run *argv*, asking every second whether there is reason to end it.

        Args:
            argv: The command.
            doubt: Returns why it can be given up, or nothing.
            seconds: How long it may take.

        Raises:
            CommandError: If it cannot start, takes longer, ends badly, or was given up.
        """
        deadline = time.monotonic() + seconds
        with tempfile.TemporaryFile("w+", errors="replace") as told:
            try:
                process = subprocess.Popen(
                    argv,
                    cwd=self._cwd,
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=told,
                    stderr=subprocess.STDOUT,
                )
            except OSError as unable:
                why = f"could not start: {unable.strerror}"
                raise CommandError(why, subject=argv[0]) from unable
            with process:
                reason = _attend(process, doubt, deadline)
            told.seek(0)
            last = told.read().strip()[-TAIL_CHARACTERS:]
        if reason or process.returncode:
            reason = reason or f"ended with {process.returncode}: {last}"
            raise CommandError(reason, subject=argv[0])


def _attend(process: "subprocess.Popen[bytes]", doubt: Callable[[], str], deadline: float) -> str:
    """Wait for *process*; end it and return why, if there is a reason to."""
    try:
        while True:
            try:
                process.wait(WATCH_SECONDS)
            except subprocess.TimeoutExpired:
                late = "took too long" if time.monotonic() >= deadline else ""
                if reason := doubt() or late:
                    return reason
            else:
                return ""
    finally:
        if process.poll() is None:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Bounds:
    """Within what a command runs.

    Attributes:
        cwd: Where.
        seconds: How long it may take.
        most: How many bytes of what it prints are kept.
        check: Asked all the time; what it raises ends the command, too.
    """

    cwd: Path
    seconds: float
    most: int
    check: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a bounded command ended.

    Attributes:
        code: Its exit code; `None` if it took too long and was ended.
        output: What it printed, wherever to.
        cut: Whether it printed more than that.
    """

    code: int | None
    output: str
    cut: bool = False


Start = Callable[[str, Sequence[str], Bounds], Ended]


def start(program: str, argv: Sequence[str], bounds: Bounds) -> Ended:
    """Run *program* with an empty environment; it and all it started in its group end with it.

    Args:
        program: The file to run.
        argv: Its words, the first of which is its name.
        bounds: Within what.
    """
    words = [sys.executable, "-IS", str(STARTED), str(os.getpid()), program, *argv]
    kept = bytearray()
    with subprocess.Popen(
        words,
        cwd=bounds.cwd,
        env={},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        try:
            size, late = _heard(process, bounds, kept)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # not waited for: the number is still its
    code = None if late else process.returncode
    return Ended(code, kept.decode(errors="replace"), size > bounds.most)


def _heard(process: "subprocess.Popen[bytes]", bounds: Bounds, kept: bytearray) -> tuple[int, bool]:
    """Keep what *process* prints until it ends; return how much that was, and whether it is late.

    That others hold its output open holds up nobody.
    """
    assert process.stdout is not None  # noqa: S101 - it was asked for
    pipe, size, deadline = process.stdout.fileno(), 0, time.monotonic() + bounds.seconds
    while True:
        bounds.check()
        ended = _has_ended(process)
        ready, _, _ = select.select([pipe], [], [], 0 if ended else LOOK_SECONDS)
        said = os.read(pipe, PIPE_BYTES) if ready else b""
        size += len(said)
        kept += said[: max(0, bounds.most - len(kept))]
        if ended and (not said or size > bounds.most):
            return size, False
        if time.monotonic() >= deadline:
            return size, True
        if ready and not said:
            time.sleep(LOOK_SECONDS)  # it closed its output, and goes on


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    """Return whether *process* has ended, without letting go of its number."""
    options = os.WEXITED | os.WNOWAIT | os.WNOHANG
    return os.waitid(os.P_PID, process.pid, options) is not None
