# SPDX-License-Identifier: Apache-2.0
"""SHA-256 of what passes by, reckoned by a thread of its own while something else is done."""

import hashlib
from concurrent.futures import Executor, Future

SMALL = 64 << 10  # handing less to another thread costs more than hashing it


class Passing:
    """The sum over pieces that are told one after the other."""

    def __init__(self, aside: Executor) -> None:
        """Reckon in the one thread of *aside*."""
        self._aside, self._sum = aside, hashlib.sha256()
        self._pending: Future[None] | None = None

    def update(self, data: bytes) -> None:
        """Take *data*, which must not change."""
        self._wait()
        if len(data) < SMALL:
            self._sum.update(data)
        else:
            self._pending = self._aside.submit(self._sum.update, data)

    def hexdigest(self) -> str:
        """Return the sum over all that was told, hexadecimal."""
        self._wait()
        return self._sum.hexdigest()

    def _wait(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None
