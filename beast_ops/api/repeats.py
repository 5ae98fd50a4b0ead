# SPDX-License-Identifier: Apache-2.0
"""A POST that is sent again with the same Idempotency-Key has its effect once.

The first answer is kept for a day and given again. What was begun before this process was, and
has no answer, may have had its effect or not: that is said, and never tried again unasked.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beast_ops.access.model import Scope as Right
from beast_ops.access.schema import ANSWERS
from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database

from .asked import Asked

HEADER = b"idempotency-key"
LONGEST = 200
KEPT_SECONDS = 86_400.0
ANSWER_BYTES = 1 << 20
FAILED = 500


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class Repeats:
    """The answers to requests that may come again."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Keep them in *database*."""
        self._database, self._clock = database, clock
        self._running: set[str] = set()

    async def answer(
        self, app: ASGIApp, asked: Asked, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer as the first time, else by *app*.

        Raises:
            HTTPException: If the key is none, was used for something else, or its first
                request has no answer yet.
        """
        key = asked.headers[HEADER]
        if not 0 < len(key) <= LONGEST:
            raise HTTPException(400, f"an Idempotency-Key has 1 to {LONGEST} characters")
        body = await _whole(receive)
        who = asked.principal.key if asked.principal is not None else ""
        parts = (who.encode(), scope["raw_path"], scope["query_string"], key)
        name = hashlib.sha256(b"\0".join(parts)).hexdigest()
        if name in self._running:
            raise HTTPException(409, "the first request with this key is still under way")
        self._running.add(name)
        try:
            known = await asyncio.to_thread(self._begin, name, hashlib.sha256(body).hexdigest())
            if known is None:
                known = await self._first(name, app, scope, _again(body, receive))
                await _say(known, [], send)
            else:
                await _say(known, [(b"idempotency-replayed", b"true")], send)
        finally:
            self._running.discard(name)

    async def _first(self, name: str, app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
        """Return the answer of *app*, kept unless it failed, which may be tried again."""
        start: Message = {"status": FAILED, "headers": []}
        pieces: list[bytes] = []

        async def catch(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            else:
                pieces.append(message.get("body", b""))

        try:
            await app(scope, receive, catch)
        except BaseException:
            await asyncio.to_thread(self._forget, name)
            raise
        headers = [
            (key.decode("latin-1"), value.decode("latin-1")) for key, value in start["headers"]
        ]
        answer = _Answer(start["status"], headers, b"".join(pieces))
        if answer.status >= FAILED or len(answer.body) > ANSWER_BYTES:
            await asyncio.to_thread(self._forget, name)
        else:
            await asyncio.to_thread(self._end, name, answer)
        return answer

    def _begin(self, name: str, print_: str) -> _Answer | None:
        """Note that a request began; return its answer if it was answered before."""
        now = self._clock.now().timestamp()
        with self._database.writing() as table:
            table.execute(delete(ANSWERS).where(ANSWERS.c.at < now - KEPT_SECONDS))
            row = table.execute(select(ANSWERS).where(ANSWERS.c.name == name)).mappings().first()
            if row is None:
                table.execute(insert(ANSWERS).values(name=name, print=print_, at=now))
                return None
        if row["print"] != print_:
            raise HTTPException(422, "this Idempotency-Key was used with another body")
        if row["status"] is None:
            raise HTTPException(409, "whether this request had its effect is not known")
        return _Answer(row["status"], json.loads(row["headers"]), row["body"])

    def _end(self, name: str, answer: _Answer) -> None:
        values = {
            "status": answer.status,
            "headers": json.dumps(answer.headers),
            "body": answer.body,
        }
        with self._database.writing() as table:
            table.execute(update(ANSWERS).where(ANSWERS.c.name == name).values(**values))

    def _forget(self, name: str) -> None:
        with self._database.writing() as table:
            table.execute(delete(ANSWERS).where(ANSWERS.c.name == name))


def may_repeat(asked: Asked) -> bool:
    """Return whether the answer to *asked* is kept: never one that holds a secret."""
    rule = asked.rule
    changes = rule.scope is not None and rule.scope >= Right.WRITE
    return asked.method == "POST" and HEADER in asked.headers and changes and not rule.secret


async def _whole(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HTTPException(400, "the connection ended before the body did")
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _again(body: bytes, receive: Receive) -> Receive:
    """Return *receive* that gives *body* first, which was taken from it."""
    given = False

    async def give() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return give


async def _say(answer: _Answer, more: list[tuple[bytes, bytes]], send: Send) -> None:
    headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in answer.headers]
    start = {"type": "http.response.start", "status": answer.status, "headers": [*headers, *more]}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body})
