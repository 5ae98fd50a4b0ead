# SPDX-License-Identifier: Apache-2.0
"""What is known of every document: written by the worker alone, read by the API as well."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

from sqlalchemy import Connection

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database

from . import state_statements as say
from .manifest import DocumentEntry
from .schema import SCHEMA

FRESH_SECONDS = 60.0  # twice what the vector process takes at most to write to the disk
ASK_AT_ONCE = 1000
TWINS_MOST = 5  # to look at, when some of them are being written
_BOOT = Path("/proc/sys/kernel/random/boot_id")


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
        signature: By what it is compared with others, for `settle`; empty if it is too short.
    """

    source: str
    size: int
    mtime_ns: int
    sha256: str
    job: str
    count: int = 0
    current: bool = True
    signature: bytes = b""

    def same_file(self, entry: DocumentEntry) -> bool:
        """Return whether *entry* looks like the file this was read from, and nothing is to do."""
        return self.current and (self.size, self.mtime_ns) == (entry.size, entry.mtime_ns)


@dataclass(frozen=True, slots=True)
class Twin:
    """A document of the same content: its chunks, and by what it is compared with others."""

    source: str
    count: int
    signature: bytes


@dataclass(frozen=True, slots=True)
class Listed:
    """A document as one looks through them: its size in bytes, when it changed, its chunks."""

    source: str
    size: int
    mtime_ns: int
    count: int


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
            table.execute(say.USE, {"one": 1, "recipe": recipe})

    def doubt_after_boot(self) -> None:
        """Put what was settled right before the machine went down among what is in doubt.

        For the start of the one who writes. Where nothing names a run of the machine, no
        document is kept as fresh, and this does nothing.
        """
        with self._database.writing() as table:
            table.execute(say.DOUBT, {"boot": self._boot})
            table.execute(say.FORGET_BOOTS, {"boot": self._boot})

    def known(self, collection: str, sources: Iterable[str]) -> dict[str, Known]:
        """Return what is known of *sources* and not in doubt, by source."""
        found: dict[str, Known] = {}
        wanted = iter(sources)
        with self._database.reading() as table:
            while some := list(islice(wanted, ASK_AT_ONCE)):
                asked = {"in_collection": collection, "sources": json.dumps(some)}
                rows = table.execute(say.KNOWN, asked).all()
                there = {row.source: Known(*row) for row in rows}
                found.update((source, there[source]) for source in some if source in there)
        return found

    def chunks(self, collection: str, source: str) -> dict[str, str]:
        """Return a digest of the payload of each chunk of *source*, by chunk id."""
        with self._database.reading() as table:
            text = table.execute(say.CHUNKS, _of(collection, source)).scalar()
        return dict(json.loads(text)) if text is not None else {}

    def below(self, collection: str, folder: str) -> Iterator[str]:
        """Yield the sources below *folder* that have chunks, or may have."""
        low = f"{folder.rstrip('/')}/"
        high = f"{low[:-1]}0"  # the character after the slash
        with self._database.reading() as table:
            between = {"in_collection": collection, "low": low, "high": high}
            sources = table.execute(say.BELOW, between).scalars().all()
        yield from sources

    def in_doubt(self, collection: str, sources: Sequence[str]) -> set[str]:
        """Return those of *sources* whose last storing was cut off."""
        with self._database.reading() as table:
            pending = table.execute(say.IN_DOUBT, {"in_collection": collection}).scalars()
            return set(sources).intersection(pending)

    def intend(self, collection: str, sources: Iterable[str]) -> None:
        """Note that chunks of *sources* are about to be stored or deleted."""
        rows = [{"collection": collection, "source": source} for source in sources]
        with self._database.writing() as table:
            if rows:
                table.execute(say.INTEND, rows)

    def settle(self, collection: str, documents: Iterable[tuple[Known, Mapping[str, str]]]) -> None:
        """Note that *documents* are stored as exactly these chunks, each with its digest."""
        import orjson

        documents = list(documents)
        rows = [
            {
                "collection": collection,
                "source": known.source,
                "size": known.size,
                "mtime_ns": known.mtime_ns,
                "sha256": known.sha256,
                "chunks": orjson.dumps(dict(chunks)).decode(),
                "count": len(chunks),
                "job": known.job,
            }
            for known, chunks in documents
        ]
        if not rows:
            return
        sources = [str(row["source"]) for row in rows]
        with self._database.writing() as table:
            self._freshen(table, collection, sources)
            say.SETTLE.say_all(table, rows)
            say.COMPARE.say_all(table, [_compared(collection, known) for known, _ in documents])
            named = [_of(collection, source) for source in sources]
            for settle in (say.SETTLED, say.TELL):
                settle.say_all(table, named)

    def touch(self, collection: str, entry: DocumentEntry) -> None:
        """Note that the file was written anew, with what stood in it before."""
        now = {"size": entry.size, "mtime_ns": entry.mtime_ns}
        with self._database.writing() as table:
            table.execute(say.TOUCH, {**_of(collection, entry.source), **now})

    def forget(self, collection: str, sources: Sequence[str]) -> None:
        """Note that no chunks of *sources* are stored any more."""
        if not sources:
            return
        rows = [_of(collection, source) for source in sources]
        with self._database.writing() as table:
            self._freshen(table, collection, sources)  # a power cut may bring their chunks back
            for forget in say.FORGET:
                table.execute(forget, rows)
            say.TELL.say_all(table, rows)

    def clear(self, collection: str) -> None:
        """Forget all of *collection*: it is not there any more."""
        with self._database.writing() as table:
            for clear in say.CLEAR:
                table.execute(clear, {"in_collection": collection})

    def twins(self, collection: str, sha256: str) -> list[Twin]:
        """Return some documents of the content *sha256*, which are current and not in doubt."""
        asked = {"in_collection": collection, "sha256": sha256, "most": TWINS_MOST}
        with self._database.reading() as table:
            return [Twin(*row) for row in say.TWINS.say(table, asked)]

    def contents(self, collection: str) -> set[str]:
        """Return the hashes over the contents of all documents of *collection*."""
        with self._database.reading() as table:
            return set(table.execute(say.CONTENTS, {"in_collection": collection}).scalars())

    def equals(self, collection: str) -> list[tuple[str, int, str]]:
        """Return hash, size in bytes and source of documents whose content others have, too."""
        with self._database.reading() as table:
            return [tuple(row) for row in table.execute(say.EQUALS, {"in_collection": collection})]

    def signatures(self, collection: str) -> dict[str, bytes]:
        """Return by what documents of *collection* are compared, by source."""
        with self._database.reading() as table:
            rows = table.execute(say.SIGNATURES, {"in_collection": collection})
            return {row.source: row.signature for row in rows}

    def count(self, collection: str) -> int:
        """Return how many documents *collection* has."""
        with self._database.reading() as table:
            return table.execute(say.COUNT, {"in_collection": collection}).scalar_one()

    def listed(self, collection: str, match: str, after: str, most: int) -> list[Listed]:
        """Return documents of *collection* by their sources.

        Args:
            collection: The collection's physical name.
            match: What the source holds, in small letters; all if empty.
            after: The source behind which to begin.
            most: How many at most.
        """
        asked = {"in_collection": collection, "match": match, "after": after, "most": most}
        with self._database.reading() as table:
            return [Listed(*row) for row in table.execute(say.LISTED, asked)]

    def _freshen(self, table: Connection, collection: str, sources: Iterable[str]) -> None:
        """Note that *sources* were settled now, and forget what the disk must have by now."""
        if not self._boot:
            return
        now = self._clock.monotonic()  # counts from the boot, whatever becomes of the time of day
        rows = [
            {"collection": collection, "source": source, "boot": self._boot, "at": now}
            for source in sources
        ]
        say.FRESHEN.say_all(table, rows)
        table.execute(say.ON_DISK, {"before": now - FRESH_SECONDS, "boot": self._boot})

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()


def _compared(collection: str, known: Known) -> dict[str, object]:
    return {"collection": collection, "source": known.source, "signature": known.signature}


def _of(collection: str, source: str) -> dict[str, str]:
    return {"in_collection": collection, "of_source": source}


def _this_boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:  # not on Linux
        return ""
