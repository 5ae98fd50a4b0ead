# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `models`: one short function each."""

from typing import Any

from beast_ops.door.verb import verb

_JSON = "print one JSON document, for machines"
_NAME = "such as llama3.2:3b; the newest is meant without a tag"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb("./beast models.list", name="list", there=True, help={"json": _JSON})
def list_(_context: Any, *, json: bool = False) -> None:
    """Show the models on disk, and which of them are in memory."""
    from beast_ops.door.models import listed

    listed(_place(), json=json)


@verb(
    "./beast models.pull llama3.2:3b",
    there=True,
    help={"name": _NAME, "force": "even if it cannot fit on this host", "json": _JSON},
    interrupted="It is fetched without you. To see how far it is, run the same command again.",
)
def pull(_context: Any, name: str, *, force: bool = False, json: bool = False) -> None:
    """Fetch a model to the model server, unless it cannot fit on this host."""
    from beast_ops.door.models import pull as act

    if not force:
        from beast_ops.door.fitting import refuse

        refuse(_place().require_deployed(), name)
    act(_place(), name, json=json)


@verb("./beast models.rm llama3.2:3b", there=True, help={"name": _NAME, "json": _JSON})
def rm(_context: Any, name: str, *, json: bool = False) -> None:
    """Delete a model from the disk of the model server."""
    from beast_ops.door.models import remove

    remove(_place(), name, json=json)
