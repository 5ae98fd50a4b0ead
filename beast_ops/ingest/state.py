# SPDX-License-Identifier: Apache-2.0
"""What is known of every document: written by the worker alone, read by the API as well.

The table `pending` is the intent log: a document stands there from before its first chunk is
stored until its row is final. What stands there after a crash has chunks that no row names.

The vector store answers before its files are on the disk, which takes it some seconds; so the
table `fresh` holds what was settled last, and after a power cut this is in doubt again.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database

from .manifest import DocumentEntry

SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL, source TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL, chunks TEXT NOT NULL, count INTEGER NOT NULL,
    recipe TEXT NOT NULL, job TEXT NOT NULL, PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    collection TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS fresh (
    collection TEXT NOT NULL, source TEXT NOT NULL, boot TEXT NOT NULL, at REAL NOT NULL,
    PRIMARY KEY (collection, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS fresh_by_age ON fresh (at);
CREATE TABLE IF NOT EXISTS recipes (one INTEGER PRIMARY KEY CHECK (one = 1), recipe TEXT) STRICT;
"""
FRESH_SECONDS = 60.0  # twice what the vector process takes at most to write to the disk
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_RECIPE = "COALESCE((SELECT recipe FROM recipes), '')"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a document.

    Attributes:
        source: Its name.
        size: Its size in bytes when it was read.
        mtime_ns: When it was last written, then.
        sha256: The hash over its content.
        job: The job that stored it last.
        count: How many chunks it has.
        current: Whether it was cut as documents are cut now.
    """

    source: str
    size: int
    mtime_ns: int
    sha256: str
    job: str
    count: int = 0
    current: bool = True

    def same_file(self, entry: DocumentEntry) -> bool:
        """Return whether *entry* looks like the file this was read from, and nothing is to do."""
        return self.current and (self.size, self.mtime_ns) == (entry.size, entry.mtime_ns)


class DocumentState:
    """The documents of all collections (by the collection's physical name)."""

    def __init__(
        self, path: Path, *, read_only: bool = False, boot: str | None = None, clock: Clock = SYSTEM
    ) -> None:
        """Open the state in the file *path*, making it unless *read_only*.

        Args:
            path: The file.
            read_only: Whether nothing may be changed.
            boot: What names this run of the machine; empty if nothing does.
            clock: How long the machine has been running.
        """
        self._boot = _this_boot() if boot is None else boot
        self._clock = clock
        self._database = Database(path, SCHEMA, read_only=read_only, durable=True)

    def use(self, recipe: str) -> None:
        """Note how documents are cut from now on; those cut otherwise are not current."""
        with self._database.writing() as table:
            table.execute("INSERT OR REPLACE INTO recipes VALUES (1, ?)", (recipe,))

    def doubt_after_boot(self) -> None:
        """Put what was settled right before the machine went down among what is in doubt.

        For the start of the one who writes. Where nothing names a run of the machine, no
        document is kept as fresh, and this does nothing.
        """
        with self._database.writing() as table:
            table.execute(
                "INSERT OR IGNORE INTO pending"
                " SELECT collection, source FROM fresh WHERE boot <> ?",
                (self._boot,),
            )
            table.execute("DELETE FROM fresh WHERE boot <> ?", (self._boot,))

    def known(self, collection: str, sources: Iterable[str]) -> dict[str, Known]:
        """Return what is known of *sources* and not in doubt, by source."""
        found: dict[str, Known] = {}
        with self._database.reading() as table:
            for source in sources:
                row = table.execute(
                    "SELECT source, size, mtime_ns, sha256, job, count,"  # noqa: S608 - a constant of this file
                    f" recipe = {_RECIPE} AS current"
                    " FROM documents AS d WHERE collection = ? AND source = ? AND NOT"
                    " EXISTS (SELECT 1 FROM pending AS p"
                    "  WHERE p.collection = d.collection AND p.source = d.source)",
                    (collection, source),
                ).fetchone()
                if row is not None:
                    found[source] = Known(**{**row, "current": bool(row["current"])})
        return found

    def chunks(self, collection: str, source: str) -> dict[str, str]:
        """Return a digest of the payload of each chunk of *source*, by chunk id."""
        with self._database.reading() as table:
            row = table.execute(
                "SELECT chunks FROM documents WHERE collection = ? AND source = ?",
                (collection, source),
            ).fetchone()
        return dict(json.loads(row["chunks"])) if row is not None else {}

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

    def settle(self, collection: str, documents: Iterable[tuple[Known, Mapping[str, str]]]) -> None:
        """Note that *documents* are stored as exactly these chunks, each with its digest."""
        with self._database.writing() as table:
            for known, chunks in documents:
                self._freshen(table, collection, known.source)
                table.execute(
                    "INSERT OR REPLACE INTO documents"  # noqa: S608 - a constant of this file
                    f" VALUES (?, ?, ?, ?, ?, ?, ?, {_RECIPE}, ?)",
                    (
                        collection,
                        known.source,
                        known.size,
                        known.mtime_ns,
                        known.sha256,
                        json.dumps(dict(chunks), separators=(",", ":")),
                        len(chunks),
                        known.job,
                    ),
                )
                table.execute(
                    "DELETE FROM pending WHERE collection = ? AND source = ?",
                    (collection, known.source),
                )

    def touch(self, collection: str, entry: DocumentEntry) -> None:
        """Note that the file was written anew, with what stood in it before."""
        with self._database.writing() as table:
            table.execute(
                "UPDATE documents SET size = ?, mtime_ns = ? WHERE collection = ? AND source = ?",
                (entry.size, entry.mtime_ns, collection, entry.source),
            )

    def forget(self, collection: str, sources: Sequence[str]) -> None:
        """Note that no chunks of *sources* are stored any more."""
        with self._database.writing() as table:
            for source in sources:
                self._freshen(table, collection, source)  # a power cut may bring its chunks back
            for name in ("documents", "pending"):
                table.executemany(
                    f"DELETE FROM {name} WHERE collection = ? AND source = ?",  # noqa: S608 - one of two names
                    [(collection, source) for source in sources],
                )

    def clear(self, collection: str) -> None:
        """Forget all of *collection*: it is not there any more."""
        with self._database.writing() as table:
            for name in ("documents", "pending", "fresh"):
                table.execute(f"DELETE FROM {name} WHERE collection = ?", (collection,))  # noqa: S608 - one of three names

    def count(self, collection: str) -> int:
        """Return how many documents *collection* has."""
        with self._database.reading() as table:
            row = table.execute(
                "SELECT COUNT(*) FROM documents WHERE collection = ?", (collection,)
            ).fetchone()
        return int(row[0])

    def _freshen(self, table: sqlite3.Connection, collection: str, source: str) -> None:
        """Note that *source* was settled now, and forget what the disk must have by now."""
        if not self._boot:
            return
        now = self._clock.monotonic()  # counts from the boot, whatever becomes of the time of day
        table.execute(
            "INSERT OR REPLACE INTO fresh VALUES (?, ?, ?, ?)",
            (collection, source, self._boot, now),
        )
        table.execute(
            "DELETE FROM fresh WHERE at < ? AND boot = ?", (now - FRESH_SECONDS, self._boot)
        )

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()


def _this_boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:  # not on Linux
        return ""
