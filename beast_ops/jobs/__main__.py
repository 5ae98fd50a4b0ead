# SPDX-License-Identifier: Apache-2.0
"""The worker process: `python -m beast_ops.jobs`."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from beast_ops.runtime.stay import stay, when_told

if TYPE_CHECKING:
    from beast_ops.valkey import Valkey

    from .worker import Ear, Worker

NAME = "beast-worker"


def main() -> int:
    """Run jobs until told to stop; return the exit code."""
    return stay(NAME, _work)


def _work() -> None:
    from beast_ops import closed, valkey
    from beast_ops.events.outbox import events_file
    from beast_ops.events.publisher import Publisher
    from beast_ops.ingest.settings import surroundings

    from .kinds import handlers, lanes
    from .table import JobTable
    from .worker import Worker

    around, through = surroundings(), valkey.given()
    with ExitStack() as opened:
        events = opened.enter_context(Publisher(events_file(around.data), NAME, through))
        workers: list[tuple[Worker, Ear]] = []
        for number, (name, lane) in enumerate(lanes().items(), 1):
            table = opened.enter_context(JobTable(around.jobs, lane=lane))
            called = NAME if number == 1 else f"{NAME}-{number}"
            able = handlers(around, name, events.publish)
            worker = Worker(table, able, f"{called}@{socket.gethostname()}")
            workers.append((worker, opened.enter_context(_ear(through, name))))

        def stop() -> None:
            for each, _ in workers:
                each.stop()

        when_told(stop)
        # What an upgrade tries out may be discarded, and uploads are shared with what it replaces.
        _beside(workers, stop, lambda: not closed.is_closed(around.data))


@contextmanager
def _ear(through: "Valkey | None", lane: str) -> "Iterator[Ear]":
    """Open how the worker of *lane* waits for work: by a bell, if there is one."""
    from .worker import PATIENCE

    if through is None:
        yield PATIENCE
        return
    from . import bell

    with closing(bell.Ear(through, lane)) as ear:
        yield ear


def _beside(
    workers: "list[tuple[Worker, Ear]]", stop: Callable[[], None], ready: Callable[[], bool]
) -> None:
    """Run all, once *ready*, until told to stop; should one end by itself, so do the others."""

    def run(worker: "Worker", ear: "Ear") -> None:
        try:
            worker.run(ready, ear)
        finally:
            stop()

    first, *others = workers
    threads = [threading.Thread(target=run, args=each) for each in others]
    for each in threads:
        each.start()
    try:
        run(*first)
    finally:
        for each in threads:
            each.join()


if __name__ == "__main__":
    sys.exit(main())
