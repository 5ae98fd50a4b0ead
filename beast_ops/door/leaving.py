# SPDX-License-Identifier: Apache-2.0
"""Leave with plain Compose, and say how to go on."""

from dataclasses import asdict
from pathlib import Path

from beast_ops.place import Place

from .output import emit, line


def eject(place: Place, to: str, *, json: bool) -> None:
    """Write plain Compose into the folder *to*, and say what it is and what to do next.

    Raises:
        BeastError: If that cannot be done; nothing is left behind.
    """
    from beast_ops.cards import read_services
    from beast_ops.eject.write import eject as write

    project = read_services(place.require_deployed().services).project
    made = write(place, Path(to or f"{project}-compose").absolute())
    if json:
        emit({**asdict(made), "folder": str(made.folder)})
        return
    line(f"{len(made.files)} files in {made.folder}: plain Compose, its configuration and secrets.")
    for each in made.dropped:
        line(f"Left out is the mount of {each}.")
    line("What runs was not touched. README.md there says what is what, and what is lost.")
    line("To go on without AI Beast: beast down, then docker compose up --detach in that folder.")
