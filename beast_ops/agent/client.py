# SPDX-License-Identifier: Apache-2.0
"""Ask the agent of this host."""

import socket
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beast_ops.errors import ServiceError, UnavailableError

from .protocol import ANSWER_BYTES, KINDS, Answer, Request, named

SECONDS = 10.0
LONG_SECONDS = 180.0  # a container ends within 30 s and is well again within a minute or two
HINT = "Add beast_agent to beast_services, then run: ./beast deploy"


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
