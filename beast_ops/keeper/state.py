# SPDX-License-Identifier: Apache-2.0
"""What the keeper writes down each minute: that it lives, what it runs, what it tried."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from beast_ops.files import write_atomically

from .due import Attempt

FILE = "keeper.json"


@dataclass(frozen=True, slots=True)
class State:
    """When the keeper last looked, what it runs, and the last attempt of each kind."""

    seen: datetime
    running: str | None = None
    attempts: Mapping[str, Attempt] = field(default_factory=dict)


_STATE: TypeAdapter[State] = TypeAdapter(State)


def write(run: Path, state: State) -> None:
    """Store *state* below the folder *run*.

    Raises:
        OSError: If it cannot be written.
    """
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(asdict(state), default=_iso, indent=2)
    write_atomically(run / FILE, f"{text}\n".encode())


def read(run: Path) -> State | None:
    """Return what was last written below the folder *run*; nothing if that is not readable."""
    try:
        return _STATE.validate_json((run / FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def _iso(moment: Any) -> str:
    return str(moment.isoformat())
