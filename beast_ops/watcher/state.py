# SPDX-License-Identifier: Apache-2.0
"""What the watcher writes down from time to time: that it lives, and what stands in its way."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from beast_ops.files import write_atomically
from beast_ops.settings import Strict

FILE = "watcher.json"


class State(Strict):
    """When the watcher last looked, and the last word on each folder it could not bring in."""

    seen: datetime
    folders: int
    troubles: Mapping[str, str] = {}


_STATE: TypeAdapter[State] = TypeAdapter(State)


def write(run: Path, state: State) -> None:
    """Store *state* below the folder *run*.

    Raises:
        OSError: If it cannot be written.
    """
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(run / FILE, state.model_dump_json().encode())


def read(run: Path) -> State | None:
    """Return what was last written below the folder *run*; nothing if that is not readable."""
    try:
        return _STATE.validate_json((run / FILE).read_bytes())
    except (OSError, ValidationError):
        return None
