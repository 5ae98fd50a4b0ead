# SPDX-License-Identifier: Apache-2.0
"""Answers that were made before: the last ones in memory, more of them in a file, as text.

What an answer is kept under is made of the weights' digest and of everything that was asked: a
name that stands for other weights tomorrow finds nothing.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from beast_ops.clock import SYSTEM, Clock

from .throwaway import Throwaway

PAGE_BYTES = 4096
ROW_BYTES = 200  # what a row takes besides its text: key, times, checksum, its place in two trees
FRESH_SECONDS = 60  # a row wanted twice within a minute is noted once: a read stays a read

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS answers (
    key BLOB PRIMARY KEY, used INTEGER NOT NULL, until REAL NOT NULL, size INTEGER NOT NULL,
    sum INTEGER NOT NULL, text TEXT NOT NULL) WITHOUT ROWID
""",
    "CREATE INDEX IF NOT EXISTS by_use ON answers (used)",
    "CREATE TABLE IF NOT EXISTS totals (name TEXT PRIMARY KEY, count INTEGER NOT NULL)",
)
_GET = "SELECT used, until, sum, text FROM answers WHERE key = ?"
_PUT = (
    "INSERT OR REPLACE INTO answers (key, used, until, size, sum, text) VALUES (?, ?, ?, ?, ?, ?)"
)
_COUNT = "SELECT count(*), coalesce(sum(size), 0) FROM answers"
_ADD = """
INSERT INTO totals (name, count) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET count = count + excluded.count
"""
_OLDEST = "SELECT key, size FROM answers ORDER BY used, key"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept: entries and bytes, of which a share in memory, and for how many seconds.

    Source: SPEC, B-CACHE.
    """

    entries: int = 1000
    bytes: int = 100_000_000
    seconds: float = 3600.0
    memory_entries: int = 256
    memory_bytes: int = 16_000_000


@dataclass(slots=True)
class Counts:
    """What happened since the process began: found in memory, in the file, not; kept; let go."""

    memory: int = 0
    file: int = 0
    missed: int = 0
    kept: int = 0
    gone: int = 0


class Memory:
    """Texts by key with the time until which they hold; the least recently wanted leave first."""

    def __init__(self, entries: int, most_bytes: int) -> None:
        """Keep at most so many *entries* and *most_bytes* of text."""
        self._entries, self._most = entries, most_bytes
        self._known: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._known)

    def get(self, key: bytes, now: float) -> str | None:
        """Return the text under *key* that still holds at *now*, if there is one."""
        with self._lock:
            found = self._known.get(key)
            if found is None:
                return None
            if found[0] <= now:
                self._drop(key)
                return None
            self._known.move_to_end(key)
            return found[1]

    def put(self, key: bytes, text: str, until: float) -> int:
        """Keep *text* until then; return how many others had to go for it."""
        gone = 0
        with self._lock:
            self._drop(key)
            if len(text) > self._most:
                return 0
            self._known[key] = until, text
            self.bytes += len(text)
            while len(self._known) > self._entries or self.bytes > self._most:
                self._drop(next(iter(self._known)))
                gone += 1
        return gone

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._known.clear()
            self.bytes = 0

    def _drop(self, key: bytes) -> None:
        found = self._known.pop(key, None)
        if found is not None:
            self.bytes -= len(found[1])


class AnswerCache(Throwaway):
    """Keeps texts by key, in memory over a file; one for all threads.

    Attributes:
        counts: What happened so far.
    """

    def __init__(
        self,
        path: Path,
        limits: Limits = Limits(),
        clock: Clock = SYSTEM,
    ) -> None:
        """Keep what *limits* allow, in the file *path*, which is made.

        Args:
            path: The file; nobody else may enter its folder: answers are private.
            limits: How much, and how long.
            clock: Tells when an answer is too old.
        """
        self._limits, self._clock, self.counts = limits, clock, Counts()
        self._memory = Memory(limits.memory_entries, limits.memory_bytes)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(path, 2 * limits.bytes, _TABLES, PAGE_BYTES)

    def get(self, key: bytes) -> str | None:
        """Return the text under *key*, if there is one that is not too old."""
        now = self._clock.now().timestamp()
        text = self._memory.get(key, now)
        if text is not None:
            self.counts.memory += 1
            return text
        with self._lock:
            found = self._guarded(lambda: self._find(key, now))
        if found is None:
            self.counts.missed += 1
            return None
        self.counts.file += 1
        self._memory.put(key, found[1], found[0])
        return str(found[1])

    def put(self, key: bytes, text: str, seconds: float | None = None) -> None:
        """Keep *text* under *key*; not at all if it alone is more than may be kept.

        Args:
            key: What it is found by.
            text: What is kept.
            seconds: For how long it holds; as the limits say if left out.
        """
        now = self._clock.now().timestamp()
        until = now + (self._limits.seconds if seconds is None else seconds)
        size = len(text.encode()) + ROW_BYTES
        if size > self._limits.bytes or not self._limits.entries:
            return
        self.counts.kept += 1
        self._memory.put(key, text, until)
        with self._lock:
            self._guarded(lambda: self._keep((key, int(now), until, size, _sum(key, text), text)))

    def clear(self) -> int:
        """Forget all; return how many there were."""
        self._memory.clear()
        with self._lock:
            found = self._guarded(self._wipe)
        return int(found or 0)

    def close(self) -> None:
        """Add what happened to what is known of earlier processes, and close the file."""
        added, self.counts = asdict(self.counts), Counts()
        with self._lock:
            self._guarded(lambda: self._write(_ADD, list(added.items())))
        super().close()

    def totals(self) -> Counts:
        """Return what happened in all processes that closed the file, and in this one."""
        with self._lock:
            before = dict(self._guarded(lambda: self._ask("SELECT name, count FROM totals")) or ())
        return Counts(
            **{
                name: count + int(before.get(name, 0))
                for name, count in asdict(self.counts).items()
            }
        )

    def size(self) -> tuple[int, int]:
        """Return how many entries the file has, and of how many bytes."""
        with self._lock:
            rows = self._guarded(lambda: self._ask(_COUNT)) or [(0, 0)]
        return int(rows[0][0]), int(rows[0][1])

    def _find(self, key: bytes, now: float) -> tuple[float, str] | None:
        rows = self._ask(_GET, (key,))
        if not rows:
            return None
        used, until, check, text = rows[0]
        if until <= now or check != _sum(key, text):
            return None  # replaced as soon as it is made again
        if used < now - FRESH_SECONDS:
            self._write("UPDATE answers SET used = ? WHERE key = ?", [(int(now), key)])
        return float(until), text

    def _keep(self, row: tuple[Any, ...]) -> None:
        self._make_room(row[0], row[3], row[1])
        self._write(_PUT, [row])

    def _make_room(self, key: bytes, size: int, now: float) -> None:
        """Let go what is too old, then what was wanted longest ago, until *size* more fits."""
        if self._fit(*self._with(key, size)):
            return
        self._write("DELETE FROM answers WHERE until <= ?", [(now,)])
        entries, filled = self._with(key, size)
        going = []
        for each, bytes_ in self._ask(_OLDEST):
            if self._fit(entries, filled):
                break
            if each != key:
                going.append((each,))
                entries, filled = entries - 1, filled - bytes_
        self.counts.gone += len(going)
        self._write("DELETE FROM answers WHERE key = ?", going)

    def _with(self, key: bytes, size: int) -> tuple[int, int]:
        """Return how many entries and bytes there are once *key* is one of *size* bytes."""
        [(entries, filled)] = self._ask(
            "SELECT count(*), coalesce(sum(size), 0) FROM answers WHERE key != ?", (key,)
        ) or [(0, 0)]
        return entries + 1, filled + size

    def _fit(self, entries: int, filled: int) -> bool:
        return entries <= self._limits.entries and filled <= self._limits.bytes

    def _wipe(self) -> int:
        [(entries, _)] = self._ask(_COUNT) or [(0, 0)]
        self._write("DELETE FROM answers", [()])
        return int(entries)


def key_of(digest: str, path: str, body: Mapping[str, Any]) -> bytes:
    """Return what an answer is kept under.

    Args:
        digest: Of the weights, as the model server tells it.
        path: What is asked.
        body: All that decides the answer besides.
    """
    said = json.dumps([digest, path, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).digest()


def deterministic(options: Mapping[str, Any]) -> bool:
    """Return whether a model says the same to the same under *options*."""
    fixed = isinstance(options.get("seed"), int)
    temperature = options.get("temperature")
    return fixed or (isinstance(temperature, int | float) and temperature == 0)


def _sum(key: bytes, text: str) -> int:
    return crc32(text.encode(), crc32(key))
