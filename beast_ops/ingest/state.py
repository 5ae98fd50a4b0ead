# SPDX-License-Identifier: Apache-2.0
"""What is known of every document: written by the worker alone, read by the API as well.

The table `pending` is the intent log: a document stands there from before its first chunk is
stored until its row is final. What stands there after a crash has chunks that no row names.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from beast_ops.database import Database

from .manifest import DocumentEntry

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, chunks TEXT NOT NULL, job TEXT NOT NULL,
    PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    collection TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a document.

    Attributes:
        source: Its name.
        size: Its size in bytes when it was read.
        mtime_ns: When it was last written, then.
        sha256: The hash over its content.
        chunks: A digest of the payload of each of its chunks, by chunk id.
        job: The job that read it last.
    """

    source: str
    size: int
    mtime_ns: int
    sha256: str
    chunks: Mapping[str, str]
    job: str

    def same_file(self, entry: DocumentEntry) -> bool:
        """Return whether *entry* looks like the file this was read from."""
        return (self.size, self.mtime_ns) == (entry.size, entry.mtime_ns)


class DocumentState:
    """The documents of all collections (by the collection's physical name)."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the state in the file *path*, making it unless *read_only*."""
        self._database = Database(path, SCHEMA, read_only=read_only)

    def known(self, collection: str, sources: Iterable[str]) -> dict[str, Known]:
        """Return what is known of *sources* and not in doubt, by source."""
        found: dict[str, Known] = {}
        with self._database.reading() as table:
            for source in sources:
                row = table.execute(
                    "SELECT * FROM documents AS d WHERE collection = ? AND source = ? AND NOT"
                    " EXISTS (SELECT 1 FROM pending AS p"
                    "  WHERE p.collection = d.collection AND p.source = d.source)",
                    (collection, source),
                ).fetchone()
                if row is not None:
                    found[source] = _known(row)
        return found

    def below(self, collection: str, folder: str) -> Iterator[str]:
        """Yield the sources below *folder* that have chunks, or may have."""
        low = f"{folder.rstrip('/')}/"
        high = f"{low[:-1]}0"  # the character after the slash
        with self._database.reading() as table:
            rows = table.execute(
                "SELECT source FROM documents WHERE collection = ? AND source > ? AND source < ?"
                " UNION SELECT source FROM pending"
                " WHERE collection = ? AND source > ? AND source < ? ORDER BY source",
                (collection, low, high, collection, low, high),
            ).fetchall()
        yield from (str(row["source"]) for row in rows)

    def in_doubt(self, collection: str, sources: Sequence[str]) -> set[str]:
        """Return those of *sources* whose last storing was cut off."""
        with self._database.reading() as table:
            rows = table.execute("SELECT source FROM pending WHERE collection = ?", (collection,))
            return {str(row["source"]) for row in rows} & set(sources)

    def intend(self, collection: str, sources: Iterable[str]) -> None:
        """Note that chunks of *sources* are about to be stored or deleted."""
        with self._database.writing() as table:
            table.executemany(
                "INSERT OR IGNORE INTO pending VALUES (?, ?)",
                [(collection, source) for source in sources],
            )

    def settle(self, collection: str, documents: Iterable[Known]) -> None:
        """Note that the chunks of *documents* are stored, exactly as they say."""
        with self._database.writing() as table:
            for known in documents:
                table.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (
                        collection,
                        known.source,
                        known.size,
                        known.mtime_ns,
                        known.sha256,
                        json.dumps(dict(known.chunks), separators=(",", ":")),
                        known.job,
                    ),
                )
                table.execute(
                    "DELETE FROM pending WHERE collection = ? AND source = ?",
                    (collection, known.source),
                )

    def forget(self, collection: str, sources: Sequence[str]) -> None:
        """Note that no chunks of *sources* are stored any more."""
        with self._database.writing() as table:
            for name in ("documents", "pending"):
                table.executemany(
                    f"DELETE FROM {name} WHERE collection = ? AND source = ?",  # noqa: S608 - one of two names
                    [(collection, source) for source in sources],
                )

    def count(self, collection: str) -> int:
        """Return how many documents *collection* has."""
        with self._database.reading() as table:
            row = table.execute(
                "SELECT COUNT(*) FROM documents WHERE collection = ?", (collection,)
            ).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()


def _known(row: sqlite3.Row) -> Known:
    return Known(
        source=row["source"],
        size=row["size"],
        mtime_ns=row["mtime_ns"],
        sha256=row["sha256"],
        chunks=json.loads(row["chunks"]),
        job=row["job"],
    )
