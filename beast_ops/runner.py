# SPDX-License-Identifier: Apache-2.0
"""The room that runs other programs and waits for them."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .errors import CommandError

TAIL_CHARACTERS = 2000


class Runner(Protocol):
    """Anything that can run a command and hand back what it printed."""

    def run(self, argv: Sequence[str], *, seconds: float = 60) -> str:
        """Run *argv* for at most *seconds*; raise `CommandError` when it ends badly."""
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
