# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `tokens`: one short function each."""

from typing import Any

from beast_ops.door.verb import verb


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast tokens.create laptop --scope write --days 90 --models 'llama3.2,qwen*'",
    there=True,
    help={
        "name": "what it is called from now on",
        "scope": "read, write (also ingest and change) or admin (everything)",
        "days": "for how many days it is good; without end if left out",
        "models": "models it may use, with commas between; * stands for anything; all if left out",
        "per-minute": "how often a minute it may ask a model; as often as others if left out",
        "json": "print one JSON document, for machines",
    },
)
def create(
    _context: Any,
    name: str,
    *,
    scope: str = "read",
    days: int = 0,
    models: str = "",
    per_minute: int = 0,
    json: bool = False,
) -> None:
    """Make a token for a program and print it, this once."""
    from beast_ops.door.tokens import Wanted
    from beast_ops.door.tokens import create as make

    make(_place(), Wanted(name, scope, days, models, per_minute), json=json)


@verb(
    "./beast tokens.list",
    name="list",
    there=True,
    help={"json": "print one JSON document, for machines"},
)
def list_(_context: Any, *, json: bool = False) -> None:
    """Show which tokens there are, what they may, and when they were used last."""
    from beast_ops.door.tokens import show_all

    show_all(_place(), json=json)


@verb("./beast tokens.revoke laptop", there=True, help={"name": "as tokens.list has it"})
def revoke(_context: Any, name: str) -> None:
    """Let a token open nothing from now on, and end the sessions it began."""
    from beast_ops.door.tokens import revoke as end

    end(_place(), name)
