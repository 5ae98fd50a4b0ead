# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `tasks`: what tasks have done."""

from typing import Any

from beast_ops.door.verb import verb

_JSON = "print one JSON document, for machines"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast tasks.list",
    name="list",
    there=True,
    short={"n": "last"},
    help={"last": "how many, newest first", "json": _JSON},
)
def list_(_context: Any, *, last: int = 20, json: bool = False) -> None:
    """Show the tasks that models carried out, newest first."""
    from beast_ops.door.tasks import listed

    listed(_place(), last, json=json)


@verb(
    "./beast tasks.show ID",
    there=True,
    help={"task": "its id, as tasks.list has it", "json": _JSON},
)
def show(_context: Any, task: str, *, json: bool = False) -> None:
    """Show what a task did, step by step."""
    from beast_ops.door.tasks import shown

    shown(_place(), task, json=json)
