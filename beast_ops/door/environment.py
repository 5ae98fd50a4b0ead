# SPDX-License-Identifier: Apache-2.0
"""Where the environment of the verbs may be, and whether it is finished.

Read before anything is installed: only the standard library may be imported here.
"""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import PreflightError

# Each level has all packages of those before it (requirements/*.in).
LEVELS = ("deploy", "test", "lint")
READY, LOCK = ".beast-ready", ".beast-lock"


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a finished environment was made from; `./beast` reads the same five lines."""

    level: str
    sum: str
    venv: str
    base: str
    asked: str

    def write(self, venv: Path) -> None:
        """Put the stamp into *venv* by one rename, so that it is there whole or not at all."""
        lines = (self.level, self.sum, self.venv, self.base, self.asked)
        fresh = venv / f"{READY}.{os.getpid()}"
        fresh.write_bytes(b"".join(os.fsencode(line) + b"\n" for line in lines))
        fresh.replace(venv / READY)

    @classmethod
    def read(cls, venv: Path) -> "Stamp | None":
        """Return the stamp in *venv*, or nothing when it was not finished."""
        try:
            lines = os.fsdecode((venv / READY).read_bytes()).split("\n")
        except OSError:
            return None
        return cls(*lines[:5]) if len(lines) == 6 and lines[0] in LEVELS else None  # noqa: PLR2004 - five lines, and nothing after the last


@dataclass(frozen=True, slots=True)
class Site:
    """One clone, the place of its environment, and the Python it is made with."""

    clone: Path
    venv: Path
    base: str
    asked: str = ""

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.venv / "bin" / "python"

    def requirements(self, level: str) -> Path:
        """Return the lock file of *level*."""
        return self.clone / "requirements" / f"{level}.txt"

    def sound(self, stamp: Stamp | None) -> bool:
        """Return whether *stamp* speaks of this place and a Python that still exists."""
        return (
            stamp is not None
            and stamp.venv == str(self.venv)
            and os.access(stamp.base, os.X_OK)
            and os.access(self.python, os.X_OK)
            and (not self.asked or stamp.base == self.base)
        )

    def ready(self, level: str) -> bool:
        """Return whether the environment is finished for *level* and its lock file."""
        stamp = Stamp.read(self.venv)
        return (
            stamp is not None
            and self.sound(stamp)
            and LEVELS.index(stamp.level) >= LEVELS.index(level)
            and stamp.sum == checksum(self.requirements(stamp.level))
            and (not self.asked or stamp.asked == self.asked)
        )


def checksum(path: Path) -> str:
    """Return what `cksum` prints of *path*, as the shell compares it."""
    return _cksum(path.read_bytes())


def _cksum(content: bytes) -> str:
    done = subprocess.run(
        ["cksum"],  # noqa: S607 - POSIX has it on every path
        input=content,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return done.stdout.decode().strip()


def places(clone: Path, environ: Mapping[str, str]) -> list[Path]:
    """Return where an environment of *clone* may be: beside it, or in the user's own cache."""
    cache = environ.get("XDG_CACHE_HOME") or f"{environ.get('HOME', '')}/.cache"
    name = _cksum(os.fsencode(clone)).replace(" ", "-")
    own = Path(cache) / "ai-beast" / name / "venv"
    return [clone / ".venv", own]


def mine(venv: Path) -> bool:
    """Return whether *venv* is ours to write: absent and makeable, empty, or made by us."""
    try:
        if not venv.exists():
            above = next(folder for folder in venv.parents if folder.exists())
            return os.access(above, os.W_OK | os.X_OK)
        if venv.stat().st_uid != os.geteuid() or not os.access(venv, os.W_OK | os.X_OK):
            return False
        return (venv / LOCK).exists() or not any(venv.iterdir())
    except OSError:
        return False


def choose(clone: Path, environ: Mapping[str, str]) -> Path:
    """Return the first place that can be written.

    Raises:
        PreflightError: If there is none, or the path cannot be written into a `.pth` file.
    """
    if "\n" in str(clone):
        raise PreflightError("a line break in its path keeps Python out", subject=repr(str(clone)))
    candidates = places(clone, environ)
    for venv in candidates:
        if mine(venv):
            return venv
    raise PreflightError(
        "neither the clone nor the user's cache can be written",
        subject=" and ".join(str(venv.parent) for venv in candidates),
        hint="Name a folder of your own with XDG_CACHE_HOME and run the same command again.",
    )
