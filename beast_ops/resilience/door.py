# SPDX-License-Identifier: Apache-2.0
"""The way in for code that is not asynchronous: one event loop in a thread of its own."""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Door:
    """The loop of this process, started when first needed; a child of a fork starts its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                run = self._loop.run_forever
                threading.Thread(target=run, name="beast-calls", daemon=True).start()
            return self._loop


_DOOR = _Door()


def wait(act: Coroutine[Any, Any, T]) -> T:
    """Return what *act* returns, from any thread without an event loop; raises what it raises."""
    future = asyncio.run_coroutine_threadsafe(act, _DOOR.loop())
    try:
        return future.result()
    except BaseException:
        future.cancel()  # Ctrl-C: nobody waits for it any more
        raise
