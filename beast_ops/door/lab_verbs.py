# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `lab`: fresh hosts with Docker inside, for the tests that need them."""

from pathlib import Path
from typing import Any

from beast_ops.door.verb import verb

CLONE = Path(__file__).resolve().parents[2]


def _lab(*words: str) -> int:
    from beast_ops.door.checks import lab

    return lab(CLONE, words)


@verb("./beast lab.up")
def up(_context: Any) -> int:
    """Bring up what tests with Docker need: an engine, images, fresh hosts on demand."""
    return _lab("up")


@verb("./beast lab.status --json", help={"json": "print one JSON document, for machines"})
def status(_context: Any, *, json: bool = False) -> int:
    """Show what of the lab is there."""
    return _lab("status", *(["--json"] if json else []))


@verb("./beast lab.down --cache", help={"cache": "what was downloaded and unpacked, too"})
def down(_context: Any, *, cache: bool = False) -> int:
    """Remove what the lab made, and nothing else."""
    return _lab("down", *(["--cache"] if cache else []))
