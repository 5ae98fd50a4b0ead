# SPDX-License-Identifier: Apache-2.0
"""The room that runs other programs and waits for them."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .errors import CommandError

TAIL_CHARACTERS = 2000
WATCH_SECONDS = 1.0


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
