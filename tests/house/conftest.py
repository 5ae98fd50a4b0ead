# SPDX-License-Identifier: Apache-2.0
import subprocess
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
# Where there is no git, as in an unpacked archive: what is never a source of ours.
GENERATED = {".venv", "__pycache__", ".git", ".mypy_cache", ".ruff_cache", ".pytest_cache", "out"}


@pytest.fixture(scope="session")
def clone():
    """The clone this test stands in."""
    return CLONE


@pytest.fixture(scope="session")
def sources():
    """Every file of the project that is text, by path relative to the clone."""
    try:
        argv = ["git", "-C", str(CLONE), "ls-files", "-z", "--cached"]
        listed = subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout
        paths = [CLONE / name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.SubprocessError):
        paths = [path for path in CLONE.rglob("*") if not GENERATED & set(path.parts)]
    found = {}
    for path in sorted(paths):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if b"\0" not in content:
                found[path.relative_to(CLONE)] = content.decode("utf-8", "surrogateescape")
    assert len(found) > 150
    return found
