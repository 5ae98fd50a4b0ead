# SPDX-License-Identifier: Apache-2.0
"""Collections of one alias that are kept in step, and what some of them have still to be told of.

Which of them is in force the alias alone says. Whatever is written to one is noted for the others
in the same transaction that settles it (`DocumentState.settle`, `forget`), so that nothing can be
forgotten; carrying it over is the work of `beast_ops.ingest.feed`.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, Self

from beast_ops.database import Database

from . import state_statements as say
from .schema import SCHEMA


class Note(NamedTuple):
    """A source of which a collection has still to be told; the number grows with each change."""

    source: str
    number: int


class Members:
    """The members of all aliases, in the state of the documents."""

    def __init__(self, path: Path) -> None:
        """Open the state in the file *path*."""
        self._database = Database(path, SCHEMA, durable=True)

    def of(self, alias: str) -> list[str]:
        """Return the collections of *alias* that are kept in step, in order."""
        with self._database.reading() as table:
            return sorted(table.execute(say.MEMBERS_OF, {"alias": alias}).scalars())

    def begin(self, alias: str, live: str, new: str) -> None:
        """Keep *new* in step with *live* from now on, beginning with all that is known of it."""
        with self._database.writing() as table:
            for each in (live, new):
                table.execute(say.JOIN, {"collection": each, "alias": alias})
            for tell in (say.TELL_ALL, say.TELL_DOUBTFUL):
                table.execute(tell, {"in_collection": live, "to_collection": new})

    def doubt(self, live: str, collection: str) -> None:
        """Note for *collection* also what is in doubt in *live*: a killed job may have left it."""
        with self._database.writing() as table:
            both = {"in_collection": live, "to_collection": collection}
            table.execute(say.TELL_DOUBTFUL, both)

    def alone(self, collection: str) -> None:
        """Note that *collection* is kept in step with no other any more."""
        with self._database.writing() as table:
            table.execute(say.LEAVE, {"in_collection": collection})

    def leave(self, collection: str) -> None:
        """Forget *collection* and all that is known of its documents."""
        with self._database.writing() as table:
            for clear in say.CLEAR:
                table.execute(clear, {"in_collection": collection})

    def untold(self, collection: str, most: int) -> list[Note]:
        """Return at most so many of what *collection* has still to be told of, the oldest first."""
        with self._database.reading() as table:
            rows = table.execute(say.UNTOLD, {"in_collection": collection, "most": most}).all()
        return [Note(*row) for row in rows]

    def count(self, collection: str) -> int:
        """Return of how many sources *collection* has still to be told."""
        with self._database.reading() as table:
            return table.execute(say.COUNT_UNTOLD, {"in_collection": collection}).scalar_one()

    def behind(self) -> Sequence[str]:
        """Return the aliases with a member that has still to be told of something."""
        with self._database.reading() as table:
            return list(table.execute(say.BEHIND).scalars())

    def told(self, live: str, collection: str, notes: Iterable[Note]) -> None:
        """Note that *collection* has of these sources what *live* has.

        A source that changed once more meanwhile stays noted. One that was being written stays
        in doubt, for its chunks may be of two versions.
        """
        rows = [
            {
                "in_collection": live,
                "of_source": each.source,
                "to_collection": collection,
                "number": each.number,
            }
            for each in notes
        ]
        there = [{**row, "in_collection": collection} for row in rows]
        with self._database.writing() as table:
            for forget in say.FORGET:
                table.execute(forget, there)
            for copy in say.COPY:
                table.execute(copy, rows)
            table.execute(say.TOLD, there)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()
