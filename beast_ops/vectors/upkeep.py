# SPDX-License-Identifier: Apache-2.0
"""What runs beside the requests: flushing now and then, optimising when it is worth it."""

import asyncio
import logging
import time

from .collection import Collection
from .metrics import Metrics
from .optimizing import AbandonedError, optimize
from .store import Store

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5
QUIET_SECONDS = 5.0  # without a write, then is a good time
DIRTY_SECONDS = 30.0  # longest time between two flushes; bounds the log that a start replays
QUIET_POINTS = 1000  # fewer fresh points are not worth an optimisation
PATIENCE_SECONDS = 60.0  # after a failure


class Upkeep:
    """Looks at all collections twice a second; optimises one at a time."""

    def __init__(self, store: Store, metrics: Metrics, optimize_points: int) -> None:
        """Look after *store*; optimise a collection at once after so many fresh points."""
        self._store, self._metrics = store, metrics
        self._points = optimize_points
        self._not_before: dict[str, float] = {}

    async def run(self) -> None:
        """Look and act until cancelled."""
        optimizing = asyncio.create_task(self._optimize_forever())
        try:
            while True:
                await asyncio.sleep(TICK_SECONDS)
                self._flush()
        finally:
            optimizing.cancel()
            await asyncio.gather(optimizing, return_exceptions=True)

    def _flush(self) -> None:
        now = time.monotonic()
        for collection in self._open():
            since, first = now - collection.written, now - collection.dirty_since
            if collection.unflushed and (since > QUIET_SECONDS or first > DIRTY_SECONDS):
                try:
                    collection.flush()
                except Exception:
                    log.exception("collection %s cannot be flushed", collection.name)

    async def _optimize_forever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            for collection in self._open():
                if self._worth_it(collection):
                    await self._optimize(collection)

    def _open(self) -> list[Collection]:
        return [each for each in self._store.collections.values() if each.open]

    def _worth_it(self, collection: Collection) -> bool:
        now = time.monotonic()
        if now < self._not_before.get(collection.name, 0):
            return False
        quiet = now - collection.written > QUIET_SECONDS
        return collection.fresh >= (min(QUIET_POINTS, self._points) if quiet else self._points)

    async def _optimize(self, collection: Collection) -> None:
        start, outcome = time.monotonic(), "done"
        try:
            await optimize(collection)
        except AbandonedError as why:
            outcome = "abandoned"
            log.warning("optimisation of %s abandoned: %s", collection.name, why)
        except Exception:
            outcome = "failed"
            log.exception("optimisation of %s failed", collection.name)
        took = time.monotonic() - start
        self._metrics.optimizations.labels(outcome).inc()
        if outcome == "done":
            log.info("optimised %s in %.1f s", collection.name, took)
        else:
            self._not_before[collection.name] = time.monotonic() + PATIENCE_SECONDS
