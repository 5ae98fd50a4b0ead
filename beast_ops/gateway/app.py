# SPDX-License-Identifier: Apache-2.0
"""Serve what the model server may be asked: plain ASGI, for there is nothing else to it."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from dataclasses import dataclass

from starlette.types import Message, Receive, Scope, Send

from beast_ops import http
from beast_ops.access.book import TokenBook
from beast_ops.access.changes import Changes
from beast_ops.access.model import Scope as Right
from beast_ops.access.schema import SCHEMA
from beast_ops.access.store import access_file
from beast_ops.api.clients import Client, Clients
from beast_ops.api.names import doors
from beast_ops.cards import Services, read_services
from beast_ops.database import Database
from beast_ops.errors import BeastError
from beast_ops.settings import Watched, load

from . import bodies, permits
from .figures import KIND, Figures
from .gate import Caller, Gate, known
from .permits import Permit
from .refusal import CLOSED, ClientGoneError, RefusedError, refuse
from .settings import Settings, Surroundings
from .upstream import Errand, Upstream

LOG = logging.getLogger("beast.gateway")
SILENCE_SECONDS = 900.0  # a model is loaded, and a long question read, before the first word
FLUSH_SECONDS = 1.0
ALIVE = b"/health/live"
FIGURES = b"/metrics"
GONE = 499  # as servers call it: the client hung up
HELD = 3  # so many of the largest bodies there may be at once


@dataclass(frozen=True, slots=True)
class House:
    """What there is while the process runs."""

    gate: Gate
    upstream: Upstream
    clients: Clients
    changes: Changes


class Gateway:
    """The application."""

    def __init__(self, around: Surroundings) -> None:
        """Serve for the process whose things are *around*.

        Raises:
            BeastError: If the settings or a token cannot be read; it does not start open.
        """
        self._around = around
        self._settings: Callable[[], Settings] = Watched(
            lambda path: load(Settings, path), around.settings
        ).get
        self._settings()
        self._services = known(around.secrets, around.clients)
        self._house: House | None = None
        self._busy = self._held = 0
        self._figures = Figures()
        self._figures.running.set_function(lambda: self._busy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or begin and end."""
        if scope["type"] == "lifespan":
            await _live(self._open, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        around = self._around
        contract = Watched(read_services, around.services)
        with Database(access_file(around.data), SCHEMA, durable=True) as database:
            book, changes = TokenBook(database), Changes(database)
            async with http.async_client(around.models_url, seconds=SILENCE_SECONDS) as client:
                self._house = House(
                    Gate(self._services, book),
                    Upstream(client),
                    Clients(lambda: self._settings().trusted_proxies, lambda: _doors(contract)),
                    changes,
                )
                writing = asyncio.create_task(_write(book, changes))
                try:
                    yield
                finally:
                    writing.cancel()
                    with suppress(asyncio.CancelledError):
                        await writing
                    _flush(book, changes)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, outward = time.perf_counter(), _Outward(send)
        try:
            await self._serve(scope, receive, outward)
        except RefusedError as refused:
            LOG.info("%s %r: %d %s", scope["method"], scope["path"][:200], refused.status, refused)
            await refuse(outward, refused, bodiless=scope["method"] == "HEAD")
        except ClientGoneError:
            outward.status = GONE  # not ended well: uvicorn hangs up on who is told no end
        except Exception:
            LOG.exception("%s %r failed", scope["method"], scope["path"][:200])
            if not outward.begun:
                await refuse(outward, RefusedError(500, "the gateway failed; see its log"))
        if (path := scope["raw_path"]) not in (ALIVE, FIGURES):
            spent = time.perf_counter() - started
            self._figures.count(scope["method"], path, outward.status, spent)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        house, path = self._house, scope["raw_path"]
        if house is None:
            raise RefusedError(503, "the gateway is still starting", retry_after="1")
        if (scope["method"], path) == ("GET", ALIVE):
            await _say(send, b'{"status":"alive"}', b"application/json")
            return
        settings, headers = self._now(), dict(scope["headers"])
        client = await house.clients.who(scope, headers)
        caller = await house.gate.recognise(scope["headers"], client, settings)
        if (scope["method"], path) == ("GET", FIGURES):
            if caller.scope is not Right.METRICS:
                raise RefusedError(403, "this needs the token for the figures")
            await _say(send, self._figures.text(), KIND)
            return
        permit = permits.find(scope["method"], path)
        if permit is None:
            raise RefusedError(404, "the gateway hands on nothing of this kind")
        if caller.scope < permit.scope:
            raise RefusedError(403, f"this needs a token of the scope {permit.scope.word}")
        house.gate.count(caller, permit, settings)
        await self._hand_on(house, _Asked(scope, permit, caller, client, settings), receive, send)

    async def _hand_on(self, house: House, asked: "_Asked", receive: Receive, send: Send) -> None:
        status = GONE
        try:
            with self._room(asked):
                errand = await asked.errand(receive)
                status = await house.upstream.run(errand, receive, send)
        except RefusedError as refused:
            status = refused.status
            raise
        finally:
            if asked.permit.noted:
                where = (asked.client.address, asked.method, asked.path, status)
                house.changes.note(asked.caller.name, *where)

    @contextmanager
    def _room(self, asked: "_Asked") -> Iterator[None]:
        """Take what *asked* needs of the model server's turns, and of our memory.

        Raises:
            RefusedError: If there is none.
        """
        most = HELD * asked.settings.body_bytes
        if self._busy >= asked.settings.at_once or self._held + asked.room > most:
            raise RefusedError(503, "the model server is busy", retry_after="2")
        self._busy, self._held = self._busy + 1, self._held + asked.room
        try:
            yield
        finally:
            self._busy, self._held = self._busy - 1, self._held - asked.room

    def _now(self) -> Settings:
        try:
            return self._settings()
        except BeastError as wrong:
            LOG.error("%s", wrong.paragraph())  # noqa: TRY400 - whoever wrote them knows enough
            raise RefusedError(503, "the settings of the gateway cannot be read") from wrong


class _Outward:
    """The way of an answer, and how far it has come."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun, self.status = False, GONE

    async def __call__(self, message: Message) -> None:
        self.begun, self.status = True, message.get("status", self.status)
        await self._send(message)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that may be made, by whom, and under which settings."""

    scope: Scope
    permit: Permit
    caller: Caller
    client: Client
    settings: Settings

    @property
    def method(self) -> str:
        """What is to be done."""
        return str(self.scope["method"])

    @property
    def path(self) -> str:
        """Where; it is one that stands in `permits`, so nothing in it is hidden."""
        return bytes(self.scope["raw_path"]).decode()

    @property
    def announced(self) -> bytes:
        """How many bytes of body follow, as the head says it, if it does."""
        return bytes(dict(self.scope["headers"]).get(b"content-length", b""))

    @property
    def room(self) -> int:
        """How many bytes of body are held in memory at most; raises `RefusedError` if too many."""
        if self.permit.body != "json":
            return 0
        bodies.measure(self.announced, self.settings.body_bytes)
        return int(self.announced or self.settings.body_bytes)

    async def errand(self, receive: Receive) -> Errand:
        """Return what is handed on; raises `RefusedError` if the body may not be."""
        rules, body = self.caller.rules, b""
        if self.permit.body == "blob":
            bodies.measure(self.announced, self.settings.blob_bytes)
            file = bodies.pieces(receive, self.settings.blob_bytes)
            return Errand(self.method, self.path, self.permit, rules, file, self.announced)
        if self.permit.body == "json":
            whole = await bodies.read(receive, self.settings.body_bytes)
            body = await bodies.judged(whole, rules)
        return Errand(self.method, self.path, self.permit, rules, body or None)


async def _say(send: Send, body: bytes, kind: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", kind), length, *CLOSED]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _doors(contract: Watched[Services]) -> tuple[str, ...]:
    try:
        return doors(contract.get())
    except BeastError:
        return ()  # nobody is believed while nobody can read who is


async def _write(book: TokenBook, changes: Changes) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        await asyncio.to_thread(_flush, book, changes)


def _flush(book: TokenBook, changes: Changes) -> None:
    try:
        changes.flush()
        book.flush()
    except BeastError as failed:  # it is in the log, and is tried again
        LOG.warning("the record of changes cannot be written: %s", failed)


async def _live(
    opening: Callable[[], AbstractAsyncContextManager[None]], receive: Receive, send: Send
) -> None:
    """Begin and end as uvicorn says."""
    await receive()
    try:
        async with opening():
            await send({"type": "lifespan.startup.complete"})
            await receive()
    except BeastError as failed:
        await send({"type": "lifespan.startup.failed", "message": failed.paragraph()})
        return
    await send({"type": "lifespan.shutdown.complete"})
