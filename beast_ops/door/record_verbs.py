# SPDX-License-Identifier: Apache-2.0
"""The verbs that tell what was done, and whether what is there is still that."""

from typing import Any

from beast_ops.door.verb import verb

_JSON = "print one JSON document, for machines"


@verb(
    "./beast history --operation rollback",
    there=True,
    short={"n": "last"},
    help={
        "operation": "only of this kind, such as deploy or rollback",
        "outcome": "only with this outcome, such as proven or failed",
        "last": "how many, newest first",
        "json": _JSON,
    },
)
def history(
    _context: Any,
    *,
    operation: str = "",
    outcome: str = "",
    last: int = 20,
    json: bool = False,
) -> None:
    """Show what was done to this installation, and how it ended."""
    from beast_ops.door.records import history as show
    from beast_ops.place import installation

    show(installation(), operation, outcome, last, json=json)


@verb("./beast drift --json", there=True, help={"json": _JSON})
def drift(_context: Any, *, json: bool = False) -> int:
    """Show what differs from the release in force: exit code 0 nothing, 1 something."""
    from beast_ops.door.records import drift as show
    from beast_ops.place import installation

    return show(installation(), json=json)
