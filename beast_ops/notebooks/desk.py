# SPDX-License-Identifier: Apache-2.0
"""All that the API has of notebooks while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path

from beast_ops import closed
from beast_ops.database import Database
from beast_ops.errors import BeastError
from beast_ops.ingest.intake import Intake
from beast_ops.jobs.table import JobTable

from .looking import Narrow
from .model import COLLECTION, notebooks_file
from .results import Results
from .rows import SourceRows
from .schema import SCHEMA
from .sessions import Sessions
from .shelf import Shelf
from .store import Notebooks
from .talk import Talks
from .workshop import Workshop

LOG = logging.getLogger("beast.api")
LOOK_SECONDS = 1.0  # while something is under way, and else
IDLE_SECONDS = 5.0

Physical = Callable[[str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The notebooks, their sources and what brings these in; and the talk about them."""

    data: Path
    notebooks: Notebooks
    sources: SourceRows
    shelf: Shelf
    narrow: Narrow
    sessions: Sessions
    talks: Talks
    workshop: Workshop

    def resume(self) -> None:
        """Go on where an earlier process was cut off."""
        self.shelf.resume()
        self.sessions.resume()


@asynccontextmanager
async def open_desk(
    data: Path, intake: Intake, jobs: JobTable, physical: Physical
) -> AsyncIterator[Desk]:
    """Open the notebooks of the data generation *data*, and look after them meanwhile.

    Args:
        data: The data generation in force.
        intake: What takes the content of sources.
        jobs: Where one sees what became of it.
        physical: Says which collection is behind an alias; nothing if there is none.

    Raises:
        DatabaseError: If their database cannot be opened.
    """
    database = await asyncio.to_thread(lambda: Database(notebooks_file(data), SCHEMA, durable=True))
    with closing(database):
        rows = SourceRows(database)
        with closing(Shelf(data, rows, intake, jobs)) as shelf:
            notebooks, sessions = Notebooks(database), Sessions(database)
            narrow = Narrow(notebooks, rows)
            talks = Talks(narrow, sessions)
            workshop = Workshop(rows, shelf, Results(database), jobs)
            desk = Desk(data, notebooks, rows, shelf, narrow, sessions, talks, workshop)
            task = asyncio.create_task(_tend(desk, physical))
            try:
                yield desk
            finally:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def _tend(desk: Desk, physical: Physical) -> None:
    resumed = False
    while True:
        busy = True
        try:
            # What an upgrade tries out may be discarded, and uploads are shared with what it
            # replaces.
            if not closed.is_closed(desk.data):
                if not resumed:
                    await asyncio.to_thread(desk.resume)
                    resumed = True
                await asyncio.to_thread(desk.workshop.settle)
                busy = await asyncio.to_thread(desk.shelf.is_busy)
                if busy:
                    behind = await physical(COLLECTION)
                    await asyncio.to_thread(desk.shelf.settle, behind)
        except BeastError as failed:
            LOG.debug("notebooks not tended: %s", failed)
        except Exception:
            LOG.exception("notebooks not tended")
        await asyncio.sleep(LOOK_SECONDS if busy else IDLE_SECONDS)
