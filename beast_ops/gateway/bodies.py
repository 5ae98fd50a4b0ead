# SPDX-License-Identifier: Apache-2.0
"""The JSON that is sent along: read with a limit, judged, and written anew.

The model server reads the names of fields whatever their case, and takes the last of two. What
is handed on is therefore written anew, and holds no field but such as have one reading.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Receive

from beast_ops.access.rules import ModelRules
from beast_ops.api.bodies import limited

from .refusal import ClientGoneError, RefusedError

FIELD = re.compile(r"[a-z_]{1,64}")
NAMES = ("model", "name", "source", "destination", "from")
_LARGE = asyncio.Lock()  # one at a time: while it is read it takes four times its room
ASIDE_BYTES = 256 << 10  # what takes longer than some milliseconds to read is read by a thread


async def read(receive: Receive, most: int) -> bytes:
    """Return the whole body that *receive* brings.

    Args:
        receive: Brings it.
        most: How many bytes there may be.

    Raises:
        RefusedError: If it is too large, too slow, or breaks off.
    """
    try:
        return b"".join([piece async for piece in pieces(receive, most)])
    except ClientGoneError:
        raise RefusedError(400, "the body breaks off") from None


async def pieces(receive: Receive, most: int) -> AsyncIterator[bytes]:
    """Yield the body that *receive* brings, piece by piece, up to *most* bytes.

    Raises:
        RefusedError: If it is too large, or too slow.
        ClientGoneError: If it breaks off.
    """
    inward = limited(receive, most)
    try:
        while True:
            message = await inward()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            yield message.get("body", b"")
            if not message.get("more_body", False):
                return
    except HTTPException as refused:
        raise RefusedError(refused.status_code, refused.detail, connection="close") from None


def measure(announced: bytes, most: int) -> None:
    """Refuse a body of which more than *most* bytes are *announced*.

    Raises:
        RefusedError: If that is so, or the number is none.
    """
    if announced and not announced.isdigit():
        raise RefusedError(400, "the content length is not a number")
    if announced and (len(announced) > 18 or int(announced) > most):  # noqa: PLR2004 - 2**63 has 19
        reason = f"the body has more than {most} bytes"
        raise RefusedError(413, reason, connection="close")


async def judged(body: bytes, rules: ModelRules) -> bytes:
    """Return *body* as it is handed on.

    Raises:
        RefusedError: If it is not what the model server would understand in one way alone, or
            names a model that *rules* do not allow.
    """
    if len(body) <= ASIDE_BYTES:
        return _judged(body, rules)
    async with _LARGE:
        return await asyncio.to_thread(_judged, body, rules)


def _judged(body: bytes, rules: ModelRules) -> bytes:
    try:
        found = json.loads(body, object_pairs_hook=_once, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is no JSON, or not in one way alone") from None
    if not isinstance(found, dict):
        raise RefusedError(400, "the body is no JSON object")
    if strange := [name for name in found if not FIELD.fullmatch(name)]:
        raise RefusedError(400, f"there is no field {strange[0][:64]!r}")
    names = [found[name] for name in NAMES if found.get(name) is not None]
    if not all(isinstance(name, str) for name in names):
        raise RefusedError(400, "the name of a model is a text")
    if rules.models is not None:
        _permit([name for name in names if name], rules)
    return json.dumps(found, separators=(",", ":")).encode()


def _permit(names: list[str], rules: ModelRules) -> None:
    if not names:
        raise RefusedError(400, "model is required")
    for name in names:
        if not rules.allows(name):
            raise RefusedError(403, f"this token may not use the model {name[:200]!r}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field comes twice")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def shown(answer: bytes, rules: ModelRules) -> bytes:
    """Return the list of models in *answer* without those that *rules* do not allow.

    Raises:
        RefusedError: If it is no list of models.
    """
    try:
        found = json.loads(answer)
        models = [each for each in found["models"] or () if rules.allows(str(each["name"]))]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise RefusedError(502, "the model server does not answer like one") from None
    return json.dumps({"models": models}).encode()
