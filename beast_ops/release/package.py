# SPDX-License-Identifier: Apache-2.0
"""Our own wheel, and the hash that names the stack's environment."""

import hashlib
import os
from pathlib import Path

from beast_ops.errors import BeastError
from beast_ops.hashing import hash_files

from .build import HASH_CHARACTERS

LOCK = Path("requirements/stack.txt")
IMAGE = Path("Dockerfile")
VERBS = Path("tasks.py")
ROOT_FILES = (Path("pyproject.toml"), LOCK, IMAGE, VERBS)
# The earliest moment a zip file can hold: every build of the same sources is the same wheel.
EPOCH = "315532800"


def sources(clone: Path) -> list[Path]:
    """Return every file that goes into the wheel, sorted."""
    package = clone / "beast_ops"
    return sorted(
        path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    )


def environment_hash(clone: Path) -> str:
    """Return the hash over all that the stack's environment and image are made of in *clone*.

    Raises:
        BeastError: If the clone is not complete.
    """
    hashed = hashlib.sha256()
    paths = [*(clone / name for name in ROOT_FILES), *sources(clone)]
    found = {each.path: each for each in hash_files(paths)}
    for path in paths:
        failed = found[path].error
        if failed is not None:
            raise BeastError(
                f"the clone is not complete: {failed.strerror}",
                subject=str(failed.filename),
                hint="Clone the repository again.",
            ) from failed
        hashed.update(f"{path.relative_to(clone).as_posix()}\0".encode())
        hashed.update(bytes.fromhex(found[path].sha256))
    return hashed.hexdigest()[:HASH_CHARACTERS]


def build_wheel(clone: Path, folder: Path) -> Path:
    """Build the wheel of *clone* into *folder* and return its path."""
    from flit_core import wheel

    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ["SOURCE_DATE_EPOCH"] = before or EPOCH
    try:
        made: Path = wheel.make_wheel_in(clone / "pyproject.toml", folder).file
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
    return made
