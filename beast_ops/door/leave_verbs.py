# SPDX-License-Identifier: Apache-2.0
"""The verb for whoever wants to go on without us."""

from typing import Any

from beast_ops.door.verb import verb


@verb(
    "./beast eject --to /srv/ai",
    there=True,
    help={
        "to": "a new folder; PROJECT-compose in the current one when left out",
        "json": "print one JSON document, for machines",
    },
)
def eject(_context: Any, *, to: str = "", json: bool = False) -> None:
    """Write plain Docker Compose that needs nothing of ours; what runs is not touched."""
    from beast_ops.door.leaving import eject as leave
    from beast_ops.place import installation

    leave(installation(), to, json=json)
