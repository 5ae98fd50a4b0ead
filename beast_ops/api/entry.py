# SPDX-License-Identifier: Apache-2.0
"""What the routes of access share: the gate, its store, and the record of changes."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from beast_ops.access.changes import Changes
from beast_ops.access.model import Principal
from beast_ops.access.schema import SCHEMA
from beast_ops.access.store import AccessStore, access_file
from beast_ops.database import Database
from beast_ops.errors import BeastError, UnavailableError

from .gate import Gate
from .repeats import Repeats

LOG = logging.getLogger("beast.api")
FLUSH_SECONDS = 1.0


@asynccontextmanager
async def open_gate(gate: Gate, data: Path) -> AsyncIterator[None]:
    """Open what *gate* keeps in the data generation *data*, and write it out meanwhile.

    Raises:
        BeastError: If the database cannot be opened.
    """
    with Database(access_file(data), SCHEMA, durable=True) as database:
        gate.changes = Changes(database)
        gate.repeats = Repeats(database)
        with closing(AccessStore(database, {gate.operator.origin})) as gate.store:
            writing = asyncio.create_task(_write(gate))
            try:
                yield
            finally:
                writing.cancel()
                with suppress(asyncio.CancelledError):
                    await writing
                gate.changes.flush()


async def _write(gate: Gate) -> None:
    while True:
        await asyncio.sleep(FLUSH_SECONDS)
        try:
            if gate.changes is not None and gate.store is not None:
                await asyncio.to_thread(gate.changes.flush)
                await asyncio.to_thread(gate.store.flush)
        except BeastError as failed:  # it is in the log, and is tried again
            LOG.warning("the record of changes cannot be written: %s", failed)


# Coroutines, because FastAPI asks a thread for everything else, which costs more than the route.
async def gate(request: Request) -> Gate:
    """Return the gate of the process that serves *request*."""
    return cast(Gate, request.app.state.gate)


async def store(request: Request) -> AccessStore:
    """Return the tokens and sessions.

    Raises:
        UnavailableError: If they are not open yet.
    """
    found = (await gate(request)).store
    if found is None:
        raise UnavailableError("the API is still starting")
    return found


async def principal(request: Request) -> Principal:
    """Return who sent *request*; for routes with a rule that wants one."""
    return cast(Principal, request.state.principal)


AtGate = Annotated[Gate, Depends(gate)]
InStore = Annotated[AccessStore, Depends(store)]
Asking = Annotated[Principal, Depends(principal)]
