# SPDX-License-Identifier: Apache-2.0
"""The verbs of developers: tests, checks, measurements, new services."""

from collections.abc import Sequence
from pathlib import Path

from .output import line

CLONE = Path(__file__).resolve().parents[2]


def new_service(name: str, port: int) -> None:
    """Write the role and say which line brings it in."""
    from beast_ops.scaffold import service

    for text in service.write(CLONE, name, port or None):
        line(text)


def test(words: Sequence[str], *, long: bool) -> int:
    """Run pytest and return 0 only if tests ran and none failed."""
    from .checks import test as run

    return run(CLONE, words, long=long)


def lint(only: Sequence[str]) -> int:
    """Run every check, or those named, and return 1 if one complains."""
    from .checks import lint as run

    return run(CLONE, only)


def bench(only: Sequence[str]) -> int:
    """Run the measurements and return 1 if one of them fails."""
    from .checks import bench as run

    return run(CLONE, only)
