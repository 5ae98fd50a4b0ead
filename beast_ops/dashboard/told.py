# SPDX-License-Identifier: Apache-2.0
"""Ask for a part of a page; what cannot be had is said in its place, and the rest still stands."""

import json
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.responses import Response

from beast_ops.errors import BeastError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a part of a page is not there, and what to do about it."""

    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Told(Generic[Value]):
    """What was asked for, or why it is not there."""

    value: Value | None = None
    trouble: Trouble | None = None


async def told(asked: Awaitable[Value]) -> Told[Value]:
    """Return what *asked* comes to; an error of ours is what it comes to as well."""
    try:
        return Told(value=await asked)
    except BeastError as failed:
        return Told(trouble=trouble(failed))


def trouble(failed: BeastError) -> Trouble:
    """Return how *failed* is said on a page."""
    where = f" ({failed.subject})" if failed.subject else ""
    return Trouble(f"{failed}{where}", failed.hint)


def saying(answer: Response, text: str, tone: str = "good") -> Response:
    """Return *answer* that also has the page say *text*, in the colour of *tone*."""
    # A header takes Latin-1 alone; JSON can say the rest without it.
    answer.headers["hx-trigger"] = json.dumps({"said": {"text": text, "tone": tone}})
    return answer
