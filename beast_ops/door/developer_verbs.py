# SPDX-License-Identifier: Apache-2.0
"""The verbs for developers: one short function each."""

from collections.abc import Sequence
from typing import Any

from beast_ops.door.verb import verb


@verb(
    "./beast new-service demo --port 9321",
    help={
        "name": "a DNS label, such as demo",
        "port": "where it listens on loopback; a free one if left out",
    },
)
def new_service(_context: Any, name: str, *, port: int = 0) -> None:
    """Write the role of a new service, ready to deploy."""
    from beast_ops.door.developers import new_service as write

    write(name, port)


@verb(
    "./beast test tests/unit -k words",
    name="test",
    rest="words",
    help={
        "long": "the long campaigns in full",
        "words": "anything else goes to pytest, such as --cov for a coverage report",
    },
)
def run_tests(_context: Any, *, long: bool = False, words: Sequence[str] = ()) -> int:
    """Run the tests that need no Docker."""
    from beast_ops.door.developers import test as run

    return run(words, long=long)


@verb(
    "./beast lint", rest="only", help={"only": "names of checks, such as ruff or mypy; all if none"}
)
def lint(_context: Any, *, only: Sequence[str] = ()) -> int:
    """Check style, types and roles."""
    from beast_ops.door.developers import lint as check

    return check(only)


@verb("./beast bench invoke_list", rest="only", help={"only": "names in tests/bench; all if none"})
def bench(_context: Any, *, only: Sequence[str] = ()) -> int:
    """Measure, and write the results to out/bench/."""
    from beast_ops.door.developers import bench as measure

    return measure(only)


@verb("./beast version", help={"json": "print one JSON document, for machines"})
def version(_context: Any, *, json: bool = False) -> None:
    """Print the versions of AI Beast, Python and Ansible."""
    from beast_ops.door.stack import version as show

    show(json=json)
