# SPDX-License-Identifier: Apache-2.0
"""The worker process: `python -m beast_ops.jobs`."""

import socket
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from beast_ops.runtime.stay import stay, when_told

if TYPE_CHECKING:
    from .worker import Worker

NAME = "beast-worker"


def main() -> int:
    """Run jobs until told to stop; return the exit code."""
    return stay(NAME, _work)


def _work() -> None:
    from beast_ops import closed
    from beast_ops.ingest.intake import KIND
    from beast_ops.ingest.reembed import KIND as LONG
    from beast_ops.ingest.reembed import Reembedding
    from beast_ops.ingest.run import handler
    from beast_ops.ingest.settings import surroundings

    from .model import Lane
    from .table import JobTable
    from .worker import Worker

    around = surroundings()
    # What takes hours must not hold up what comes in meanwhile.
    with (
        JobTable(around.jobs, lane=Lane(but=(LONG,))) as table,
        JobTable(around.jobs, lane=Lane(only=(LONG,))) as slow,
    ):
        ingest, reembed = handler(around), Reembedding(around)
        name = f"@{socket.gethostname()}"
        quick = Worker(table, {KIND: ingest}, f"{NAME}{name}", tidy=ingest.tidy)
        long = Worker(slow, {LONG: reembed}, f"{NAME}-2{name}", tidy=reembed.tidy)

        def stop() -> None:
            quick.stop()
            long.stop()

        when_told(stop)
        # What an upgrade tries out may be discarded, and uploads are shared with what it replaces.
        _beside(long, quick, lambda: not closed.is_closed(around.data))


def _beside(other: "Worker", worker: "Worker", ready: Callable[[], bool]) -> None:
    """Run both, once *ready*, until told to stop; should one end by itself, so does the other."""

    def run() -> None:
        try:
            other.run(ready)
        finally:
            worker.stop()

    thread = threading.Thread(target=run, name="long")
    thread.start()
    try:
        worker.run(ready)
    finally:
        other.stop()
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
