# SPDX-License-Identifier: Apache-2.0
"""All that the API has of notebooks while it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from beast_ops import closed
from beast_ops.database import Database
from beast_ops.errors import BeastError, MissingError
from beast_ops.ingest.intake import Intake
from beast_ops.jobs.table import JobTable
from beast_ops.search.model import Answer, SearchOptions

from .model import COLLECTION, Notebook, folder_of, notebooks_file
from .rows import SourceRows
from .schema import SCHEMA
from .shelf import Shelf
from .store import Notebooks

LOG = logging.getLogger("beast.api")
LOOK_SECONDS = 1.0  # while something is under way, and else
IDLE_SECONDS = 5.0
EMPTY = "these notebooks have no source that was read yet"

Physical = Callable[[str], Awaitable[str]]
Search = Callable[[str, SearchOptions], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Desk:
    """The notebooks, their sources, and what brings these in."""

    data: Path
    notebooks: Notebooks
    sources: SourceRows
    shelf: Shelf

    def narrowed(self, names: tuple[str, ...], options: SearchOptions) -> SearchOptions:
        """Return *options* for the notebooks *names* (or ids); what was deleted is not found.

        Raises:
            MissingError: If one of them is not there.
        """
        ids = tuple(dict.fromkeys(self.notebooks.find(name).id for name in names))
        within = tuple(map(folder_of, ids))
        without = tuple(source.folder for source in self.sources.gone(ids))
        return replace(options, collection=COLLECTION, within=within, without=without)

    def look(self, notebook: str) -> Notebook:
        """Return the notebook with that id; raises `MissingError` if there is none."""
        return self.notebooks.get(notebook)


async def search_in(search: Search, query: str, options: SearchOptions) -> Answer:
    """Return what *search* finds in notebooks; nothing if there is no collection for them yet.

    Args:
        search: What searches.
        query: For what.
        options: As `Desk.narrowed` returns them.
    """
    try:
        return await search(query, options)
    except MissingError:
        return Answer(query, COLLECTION, options.mode, (), 0.0, EMPTY)


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
            desk = Desk(data, Notebooks(database), rows, shelf)
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
                    await asyncio.to_thread(desk.shelf.resume)
                    resumed = True
                busy = await asyncio.to_thread(desk.shelf.is_busy)
                if busy:
                    behind = await physical(COLLECTION)
                    await asyncio.to_thread(desk.shelf.settle, behind)
        except BeastError as failed:
            LOG.debug("notebooks not tended: %s", failed)
        except Exception:
            LOG.exception("notebooks not tended")
        await asyncio.sleep(LOOK_SECONDS if busy else IDLE_SECONDS)
