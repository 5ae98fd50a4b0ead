# SPDX-License-Identifier: Apache-2.0
"""Search in notebooks: in the one collection of all, narrowed to theirs."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from beast_ops.errors import MissingError
from beast_ops.search.model import Answer, SearchOptions

from .model import COLLECTION, folder_of
from .rows import SourceRows
from .store import Notebooks

EMPTY = "these notebooks have no source that was read yet"

Search = Callable[[str, SearchOptions], Awaitable[Answer]]


class Narrow:
    """Narrows a search to notebooks."""

    def __init__(self, notebooks: Notebooks, rows: SourceRows) -> None:
        """Know *notebooks* and the *rows* of their sources."""
        self._notebooks, self._rows = notebooks, rows

    def __call__(self, names: tuple[str, ...], options: SearchOptions) -> SearchOptions:
        """Return *options* for the notebooks *names* (or ids); what was deleted is not found.

        Raises:
            MissingError: If one of them is not there.
        """
        ids = tuple(dict.fromkeys(self._notebooks.find(name).id for name in names))
        within = tuple(map(folder_of, ids))
        without = tuple(source.folder for source in self._rows.gone(ids))
        return replace(options, collection=COLLECTION, within=within, without=without)


async def search_in(search: Search, query: str, options: SearchOptions) -> Answer:
    """Return what *search* finds in notebooks; nothing if there is no collection for them yet.

    Args:
        search: What searches.
        query: For what.
        options: As `Narrow` returns them.
    """
    try:
        return await search(query, options)
    except MissingError:
        return Answer(query, COLLECTION, options.mode, (), 0.0, EMPTY)
