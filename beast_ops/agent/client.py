# SPDX-License-Identifier: Apache-2.0
"""Ask the agent of this host."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beast_ops import receipts
from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.gpu import host
from beast_ops.gpu.model import Reading
from beast_ops.keeper import state
from beast_ops.place import Place

from .protocol import ANSWER_BYTES, FRESH, KINDS, Answer, Request, named, socket_of

SECONDS = 10.0
LONG_SECONDS = 180.0  # a container ends within 30 s and is well again within a minute or two
HINT = "Add beast_agent to beast_services, then run: ./beast deploy"


def milestones(root: Path, *, inside: bool, seconds: float = SECONDS) -> dict[str, datetime]:
    """Return `receipts.milestones` of the installation at *root*.

    Args:
        root: The installation.
        inside: Whether we are in one of its containers, where only the agent knows.
        seconds: How long the agent may take.

    Raises:
        BeastError: If there is no agent, or its answer is none.
    """
    if not inside:
        return receipts.milestones(root / "receipts")
    told = ask(socket_of(root), Request(verb="history"), seconds)
    with _understood():
        return {str(name): datetime.fromisoformat(when) for name, when in told.items()}


def keeper_seen(root: Path, *, inside: bool, seconds: float = SECONDS) -> datetime | None:
    """Return when the keeper of the installation at *root* last looked; see `milestones`.

    Raises:
        BeastError: If there is no agent, or its answer is none.
    """
    if not inside:
        found = state.read(root / "run")
        return found.seen if found else None
    told = ask(socket_of(root), Request(verb="keeper"), seconds)
    with _understood():
        return datetime.fromisoformat(told["seen"]) if told["seen"] else None


def gpus(root: Path, *, inside: bool, seconds: float = SECONDS, fresh: bool = False) -> Reading:
    """Return what the drivers of the host of *root* say; see `milestones`.

    Args:
        root: The installation.
        inside: Whether we are in one of its containers.
        seconds: How long the agent may take.
        fresh: Whether they are to be asked now.

    Raises:
        BeastError: If there is no agent, or its answer is none.
    """
    if not inside:
        return host.of(Place(root)).look(fresh=fresh)
    told = ask(socket_of(root), Request(verb="gpu", name=FRESH if fresh else None), seconds)
    with _understood():
        return Reading.model_validate_json(json.dumps(told))


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, AttributeError, KeyError) as wrong:
        raise ServiceError("the agent answers with something else than was asked for") from wrong


def ask(path: Path, request: Request, seconds: float = SECONDS) -> Any:
    """Return the result of *request*.

    Args:
        path: The socket of the agent.
        request: What it should do.
        seconds: How long it may take.

    Raises:
        UnavailableError: If there is no agent, or it does not answer in time.
        ServiceError: If its answer is none.
        BeastError: What the agent says went wrong.
    """
    try:
        with named(path) as name, socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(seconds)
            opened.connect(name)
            opened.sendall(request.model_dump_json().encode() + b"\n")
            with opened.makefile("rb") as answers:
                line = answers.readline(ANSWER_BYTES + 1)
    except TimeoutError as late:
        raise UnavailableError(f"the agent does not answer within {seconds:g} s") from late
    except OSError as failed:
        raise UnavailableError(
            f"the agent of this host does not answer: {failed.strerror}", hint=HINT
        ) from failed
    try:
        answer = Answer.model_validate_json(line)
    except ValidationError as wrong:
        raise ServiceError("the agent broke off without an answer") from wrong
    if answer.fault is not None:
        raise KINDS[answer.fault.kind](answer.fault.message, hint=answer.fault.hint)
    return answer.result
