# SPDX-License-Identifier: Apache-2.0
"""Run a program that may never end: one that waits in the kernel cannot even be killed."""

import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO, Protocol

from beast_ops.errors import BusyError, CommandError, SlowError

PAUSE_SECONDS = 0.01
END_SECONDS = 0.5  # for one that is killed, and can be
LAST_WORDS = 300
BYTES = 1 << 20


class Running(Protocol):
    """A program that runs, as `subprocess.Popen` has it."""

    @property
    def stdout(self) -> IO[bytes] | None: ...  # noqa: D102 - as Popen's
    def poll(self) -> int | None: ...  # noqa: D102 - as Popen's
    def kill(self) -> None: ...  # noqa: D102 - as Popen's


def start(argv: Sequence[str]) -> Running:
    """Begin to run *argv*; what it prints is kept for whoever asks."""
    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Child:
    """Runs a program again and again, but never a second one while the last one hangs."""

    def __init__(self, begin: "Begin" = start) -> None:
        """Run programs with *begin*."""
        self._begin, self._stuck, self._lock = begin, list[Running](), threading.Lock()

    def run(self, argv: Sequence[str], seconds: float) -> bytes:
        """Return what *argv* printed, after at most *seconds*.

        Raises:
            BusyError: If one that was given up has not ended yet.
            SlowError: If it takes longer: it is killed, and not waited for.
            CommandError: If it cannot start, or ends badly.
        """
        with self._lock:
            self._stuck = [each for each in self._stuck if each.poll() is None]
            if self._stuck:
                raise BusyError("the last one still hangs", subject=argv[-1])
            try:
                process = self._begin(argv)
            except OSError as failed:
                raise CommandError(f"could not start: {failed.strerror}") from failed
            said = _Said(process)
            if not said.wait(seconds):
                process.kill()
                if not said.wait(END_SECONDS):
                    self._stuck.append(process)
                raise SlowError(f"no answer within {seconds:g} s", subject=argv[-1])
        code = process.poll()
        if code:
            how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
            raise CommandError(how, subject=argv[-1])
        return said.text


class Begin(Protocol):
    """Begins to run a program."""

    def __call__(self, argv: Sequence[str]) -> Running: ...  # noqa: D102 - as said above


class _Said:
    """Reads what a program prints beside us, so that nobody waits for one that hangs."""

    def __init__(self, process: Running) -> None:
        self.text = b""
        self._process = process
        self._reader = threading.Thread(target=self._read, daemon=True, name="gpu-child")
        self._reader.start()

    def wait(self, seconds: float) -> bool:
        """Return whether the program ended within *seconds*, and all it printed was read."""
        deadline = time.monotonic() + seconds
        self._reader.join(seconds)
        while self._process.poll() is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(PAUSE_SECONDS)
        return not self._reader.is_alive()

    def _read(self) -> None:
        stream = self._process.stdout
        if stream is not None:
            with stream:
                self.text = stream.read(BYTES)
