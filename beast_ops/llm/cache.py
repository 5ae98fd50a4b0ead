# SPDX-License-Identifier: Apache-2.0
"""Vectors that were made before, in a file that may be thrown away at any time.

A row is a key, when it was last wanted, and the numbers with a checksum: a file system that went
wrong must not become a wrong vector.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from beast_ops.clock import SYSTEM, Clock

from .throwaway import Throwaway

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
else:
    Vector = Any

MOST_BYTES = 1 << 30
PAGE_BYTES = 16384  # five vectors of 768 numbers fill it; of the usual 4096 bytes a quarter is lost
FRESH_SECONDS = 3600  # a row wanted twice within an hour is noted once: a read stays a read
AT_ONCE = 500  # keys in one statement
SPARE = 0.1  # the share that leaves when the file is full, so that it is not full again at once
CHECK_BYTES = 4

_TABLE = """
CREATE TABLE IF NOT EXISTS vectors
    (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, used INTEGER NOT NULL, vector BLOB NOT NULL)
"""
_INDEX = "CREATE INDEX IF NOT EXISTS by_use ON vectors (used)"
_PUT = """
INSERT INTO vectors (key, used, vector) VALUES (?, ?, ?)
ON CONFLICT (key) DO UPDATE SET used = excluded.used, vector = excluded.vector
"""
_TOUCH = "UPDATE vectors SET used = ? WHERE key = ?"
_FORGET = "DELETE FROM vectors WHERE id IN (SELECT id FROM vectors ORDER BY used, id LIMIT ?)"


class VectorCache(Throwaway):
    """Keeps vectors by key, the least recently wanted leave first; one for all threads."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES, clock: Clock = SYSTEM) -> None:
        """Keep vectors in the file *path*, which is made.

        Args:
            path: The file; its folder is made as well.
            most_bytes: How large it may become, without the log beside it (some 16 MB).
            clock: Tells when a vector was wanted.
        """
        self._clock = clock
        super().__init__(path, most_bytes, (_TABLE, _INDEX), PAGE_BYTES)

    def get(self, keys: Collection[bytes]) -> dict[bytes, Vector]:
        """Return the vectors that are known, by key."""
        with self._lock:
            return self._guarded(lambda: self._get(list(keys))) or {}

    def put(self, vectors: Mapping[bytes, Vector]) -> None:
        """Keep *vectors*, by key."""
        if vectors:
            with self._lock:
                self._guarded(lambda: self._put(vectors))

    def size(self) -> tuple[int, int]:
        """Return how many vectors there are, and of how many bytes."""
        with self._lock:
            found = self._guarded(
                lambda: (self._ask("SELECT count(*) FROM vectors")[0][0], self._bytes())
            )
        return found or (0, 0)

    def clear(self) -> int:
        """Forget all; return how many there were."""
        with self._lock:
            return self._guarded(self._wipe) or 0

    def _wipe(self) -> int:
        [(count,)] = self._ask("SELECT count(*) FROM vectors") or [(0,)]
        self._write("DELETE FROM vectors", [()])
        return int(count)

    def _get(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        import numpy as np

        if self._connection is None:
            return {}
        now, found, touched = self._now(), {}, []
        for key, used, stored in self._rows(keys):
            numbers, check = stored[:-CHECK_BYTES], stored[-CHECK_BYTES:]
            if check != _check(key, numbers):
                continue  # made again, and put in its place
            found[key] = np.frombuffer(numbers, "<f4")
            if used < now - FRESH_SECONDS:
                touched.append((now, key))
        if touched:
            self._write(_TOUCH, touched)
        return found

    def _rows(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
        for begin in range(0, len(keys), AT_ONCE):
            some = keys[begin : begin + AT_ONCE]
            marks = ",".join("?" * len(some))
            asked = f"SELECT key, used, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 - marks alone
            yield from self._ask(asked, some)

    def _put(self, vectors: Mapping[bytes, Vector]) -> None:
        import numpy as np

        if self._connection is None:
            return
        now = self._now()
        rows = []
        for key, vector in vectors.items():
            numbers = np.asarray(vector, "<f4").tobytes()
            rows.append((key, now, numbers + _check(key, numbers)))
        self._write(_PUT, rows)
        self._shrink()

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _shrink(self) -> None:
        """Let the oldest go while the rows fill more pages than they may; the pages are reused."""
        while self._bytes() > self._most:
            [(count,)] = self._ask("SELECT count(*) FROM vectors")
            if not count:
                return
            self._ask(_FORGET, (max(1, round(SPARE * count)),))


def _check(key: bytes, numbers: bytes) -> bytes:
    return crc32(numbers, crc32(key)).to_bytes(CHECK_BYTES, "little")
