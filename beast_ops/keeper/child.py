# SPDX-License-Identifier: Apache-2.0
"""One run of a verb: a child in a process group of its own, which ends when it is told to."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from .due import Kind
from .settings import KeeperSettings

PATIENCE_SECONDS = 12.0  # supervisord waits 20 s for all of us
FOREIGN = ("BEAST_", "SUPERVISOR_")


def command(kind: Kind, settings: KeeperSettings) -> list[str]:
    """Return the words that run *kind*, for as long as this process lives."""
    if kind == "drill":
        return words_of([kind])
    kept = ("--days", str(settings.keep_days), "--count", str(settings.keep_count))
    return words_of([kind, *kept])


def words_of(verb: Sequence[str]) -> list[str]:
    """Return the words that run *verb*, for as long as this process lives.

    Nothing it prints is held back: what it says last, such as why it failed, stands last.
    """
    return [sys.executable, "-I", "-u", "-m", "beast_ops.keeper.verb", str(os.getpid()), *verb]


def environment(root: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a verb inherits: nothing that is said to us alone."""
    kept = {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "BEAST_ROOT": str(root)}


class Child:
    """A verb that runs."""

    def __init__(
        self, argv: Sequence[str], environ: Mapping[str, str], output: int | None = None
    ) -> None:
        """Start *argv*.

        Args:
            argv: Its words.
            environ: Its whole environment.
            output: The open file that takes what it prints; ours if left out.

        Raises:
            OSError: If it cannot be started.
        """
        # A group of its own: else a stop of ours would reach it twice, and break its clean-up off.
        self._process = subprocess.Popen(
            argv,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output is not None else None,
            process_group=0,
        )

    def code(self) -> int | None:
        """Return how it ended; nothing while it runs."""
        return self._process.poll()

    def end(self) -> int:
        """End it, and what it started; return its exit code."""
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return self._process.wait()
