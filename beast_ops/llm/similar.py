# SPDX-License-Identifier: Apache-2.0
"""Answers to prompts that were put otherwise: found by what they say, then by their vectors.

An answer is only found for the same scope (weights, rules, parameters, passages: all that decides
an answer besides how the question is put), the same `alike.sense`, and a vector that is at least
as close as wanted. The nearest counts.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError

from .alike import sense
from .throwaway import Throwaway

LEAST = 0.9  # nobody may want less: below, vectors of one subject are all alike
ROW_BYTES = 200
PAGE_BYTES = 16384

_TABLES = (
    """
CREATE TABLE IF NOT EXISTS similar (
    id INTEGER PRIMARY KEY, scope BLOB NOT NULL, until REAL NOT NULL, used REAL NOT NULL,
    size INTEGER NOT NULL, sum INTEGER NOT NULL, vector BLOB NOT NULL, text TEXT NOT NULL)
""",
    "CREATE INDEX IF NOT EXISTS similar_by_scope ON similar (scope)",
    "CREATE INDEX IF NOT EXISTS similar_by_use ON similar (used)",
    "CREATE TABLE IF NOT EXISTS totals (name TEXT PRIMARY KEY, count INTEGER NOT NULL)",
)
_ADD = """
INSERT INTO totals (name, count) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET count = count + excluded.count
"""
_PUT = "INSERT INTO similar (scope, until, used, size, sum, vector, text) VALUES (?,?,?,?,?,?,?)"
_COUNT = "SELECT count(*), coalesce(sum(size), 0) FROM similar"
_GET = "SELECT id, sum, vector, text FROM similar WHERE scope = ? AND until > ?"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: entries, bytes, and for how many seconds."""

    entries: int = 1000
    bytes: int = 50_000_000
    seconds: float = 3600.0


@dataclass(slots=True)
class Tally:
    """What happened: found, not found, found but not close enough, kept, let go."""

    found: int = 0
    missed: int = 0
    far: int = 0
    kept: int = 0
    gone: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """An answer to a similar prompt, and how close that is, up to 1."""

    text: str
    closeness: float


class SimilarCache(Throwaway):
    """Keeps answers with the vectors of their prompts; one for all threads.

    Attributes:
        counts: What happened so far.
    """

    def __init__(self, path: Path, bounds: Bounds = Bounds(), clock: Clock = SYSTEM) -> None:
        """Keep what *bounds* allow, in the file *path*; nobody else may enter its folder."""
        self._bounds, self._clock, self.counts = bounds, clock, Tally()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        super().__init__(path, 2 * bounds.bytes, _TABLES, PAGE_BYTES)

    def find(self, scope: bytes, vector: Sequence[float], least: float) -> Found | None:
        """Return the answer in *scope* whose prompt is nearest to *vector*, if it is near enough.

        Args:
            scope: What else has to be the same; see `scope_of`.
            vector: Of the prompt.
            least: How close it has to be, up to 1.
        """
        with self._lock:
            near = self._guarded(lambda: self._nearest(scope, vector))
            if near is None:
                self.counts.missed += 1
                return None
            number, found = near
            if found.closeness < least:
                self.counts.far += 1
                return None
            self.counts.found += 1
            self._guarded(
                lambda: self._write(
                    "UPDATE similar SET used = ? WHERE id = ?", [(self._now(), number)]
                )
            )
        return Found(found.text, found.closeness)

    def put(self, scope: bytes, vector: Sequence[float], text: str) -> None:
        """Keep *text* as the answer in *scope* to the prompt with this *vector*."""
        unit = _unit(vector)
        if unit is None:
            return
        stored = unit.astype("<f4").tobytes()
        size = len(stored) + len(text.encode()) + ROW_BYTES
        if size > self._bounds.bytes or not self._bounds.entries:
            return
        now = self._now()
        row = (scope, now + self._bounds.seconds, now, size, _sum(stored, text), stored, text)
        with self._lock:
            self._guarded(lambda: self._keep(size, now, row))

    def clear(self) -> int:
        """Forget all; return how many there were."""
        with self._lock:
            return int(self._guarded(self._wipe) or 0)

    def size(self) -> tuple[int, int]:
        """Return how many entries there are, and of how many bytes."""
        with self._lock:
            rows = self._guarded(lambda: self._ask(_COUNT)) or [(0, 0)]
        return int(rows[0][0]), int(rows[0][1])

    def totals(self) -> Tally:
        """Return what happened in all processes that closed the file, and in this one."""
        with self._lock:
            before = dict(self._guarded(lambda: self._ask("SELECT name, count FROM totals")) or ())
        now = asdict(self.counts)
        return Tally(**{name: count + int(before.get(name, 0)) for name, count in now.items()})

    def close(self) -> None:
        """Add what happened to what is known of earlier processes, and close the file."""
        added, self.counts = asdict(self.counts), Tally()
        with self._lock:
            self._guarded(lambda: self._write(_ADD, list(added.items())))
        super().close()

    def _nearest(self, scope: bytes, vector: Sequence[float]) -> tuple[int, Found] | None:
        import numpy as np

        wanted = _unit(vector)
        rows = [
            row
            for row in self._ask(_GET, (scope, self._now()))
            if wanted is not None
            and row[1] == _sum(row[2], row[3])
            and len(row[2]) == wanted.nbytes
        ]
        if not rows or wanted is None:
            return None
        kept = np.frombuffer(b"".join(row[2] for row in rows), "<f4").reshape(len(rows), -1)
        near = kept @ wanted
        best = int(near.argmax())
        number, _, _, text = rows[best]
        return number, Found(text, round(min(float(near[best]), 1.0), 4))

    def _keep(self, size: int, now: float, row: tuple[Any, ...]) -> None:
        self._write("DELETE FROM similar WHERE until <= ?", [(now,)])
        [(entries, filled)] = self._ask(_COUNT) or [(0, 0)]
        going = []
        for number, bytes_ in self._ask("SELECT id, size FROM similar ORDER BY used, id"):
            if entries < self._bounds.entries and filled + size <= self._bounds.bytes:
                break
            going.append((number,))
            entries, filled = entries - 1, filled - bytes_
        self._write("DELETE FROM similar WHERE id = ?", going)
        self._write(_PUT, [row])
        self.counts.kept += 1
        self.counts.gone += len(going)

    def _wipe(self) -> int:
        [(entries, _)] = self._ask(_COUNT) or [(0, 0)]
        self._write("DELETE FROM similar", [()])
        return int(entries)

    def _now(self) -> float:
        return self._clock.now().timestamp()


Embed = Callable[[str], Awaitable[Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Similar:
    """Finds answers to similar prompts, with the embedder that is configured.

    Attributes:
        cache: Where they are kept.
        embed: Returns the vector of a prompt.
        identity: What decides a vector besides the prompt.
        least: How close two prompts have to be, from `LEAST` to 1.
    """

    cache: SimilarCache
    embed: Embed
    identity: str
    least: float

    async def ask(self, around: Any, prompt: str) -> "Asked | None":
        """Return what is found for *prompt*, and where its answer goes; nothing if it is unfit.

        An embedder that does not answer must not keep anybody from asking the model.

        Args:
            around: All that decides the answer besides the prompt, for JSON.
            prompt: What is asked.
        """
        said = sense(prompt)
        if not said:
            return None
        try:
            vector = await self.embed(prompt)
        except BeastError:
            return None
        scope = scope_of(self.identity, around, said)
        return Asked(self.cache, scope, vector, self.cache.find(scope, vector, self.least))


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt with what was found for it, if anything."""

    cache: SimilarCache
    scope: bytes
    vector: Sequence[float]
    found: Found | None

    def keep(self, text: str) -> None:
        """Keep *text* as the answer."""
        self.cache.put(self.scope, self.vector, text)


def scope_of(identity: str, around: Any, said: Sequence[str]) -> bytes:
    """Return what has to be the same for two prompts to have one answer.

    Args:
        identity: Of the embedder.
        around: All that decides the answer besides the prompt, for JSON.
        said: The sense of the prompt.
    """
    told = json.dumps([identity, around, list(said)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).digest()


def _unit(vector: Sequence[float]) -> Any:
    """Return *vector* with the length 1; nothing if it has none."""
    import numpy as np

    found = np.asarray(vector, "<f4")
    length = float(np.linalg.norm(found))
    return found / np.float32(length) if 0 < length < float("inf") else None


def _sum(vector: bytes, text: str) -> int:
    return crc32(text.encode(), crc32(vector))
