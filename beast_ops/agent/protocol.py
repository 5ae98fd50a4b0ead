# SPDX-License-Identifier: Apache-2.0
"""What is said to the agent and what it answers: one line of JSON each."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from beast_ops.card_parts import Name
from beast_ops.errors import (
    BeastError,
    BusyError,
    CommandError,
    ConflictError,
    MissingError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from beast_ops.settings import Strict, explain

REQUEST_BYTES = 4096
ANSWER_BYTES = 1 << 20
LINES = 1000
# Of a backup, of an operation, of a kind of receipt: no path, and no option.
WORD = r"^[a-z0-9][a-z0-9_-]*$"
FRESH = "fresh"  # of an answer that must not be one of a moment ago
Word = Annotated[str, Field(pattern=WORD, max_length=64)]

KINDS: dict[str, type[BeastError]] = {
    "busy": BusyError,
    "conflict": ConflictError,
    "missing": MissingError,
    "unavailable": UnavailableError,
    "usage": UsageError,
    "service": ServiceError,
    "failed": CommandError,
}


class Request(Strict):
    """What somebody wants done."""

    verb: str
    service: Name | None = None
    name: Word | None = None
    confirm: str = ""
    lines: Annotated[int, Field(ge=1, le=LINES)] = 100
    offset: Annotated[int, Field(ge=0)] = 0


class Fault(Strict):
    """Why it was not done."""

    kind: Literal["busy", "conflict", "missing", "unavailable", "usage", "service", "failed"]
    message: str
    hint: str = ""


class Answer(Strict):
    """What came of it: a result, or a fault."""

    result: Any = None
    fault: Fault | None = None


def socket_of(root: Path) -> Path:
    """Return where the agent of the installation at *root* listens; its folder is mounted."""
    return root / "run" / "agent" / "agent.sock"


@contextmanager
def named(path: Path) -> Iterator[str]:
    """Give a name of the socket at *path* that is short enough, wherever it lies: unix(7).

    Raises:
        OSError: If its folder is not there.
    """
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def read_request(line: bytes) -> Request:
    """Return the request on *line*.

    Raises:
        UsageError: If it is none.
    """
    try:
        return Request.model_validate_json(line)
    except ValidationError as wrong:
        raise UsageError(f"this is no request: {explain(wrong)}") from None


def fault(failed: BeastError) -> Fault:
    """Return how *failed* is told."""
    kind = next((name for name, each in KINDS.items() if isinstance(failed, each)), "failed")
    where = f" ({failed.subject})" if failed.subject else ""
    told: Any = kind  # one of the words of Fault, as KINDS is
    return Fault(kind=told, message=f"{failed}{where}", hint=failed.hint)
