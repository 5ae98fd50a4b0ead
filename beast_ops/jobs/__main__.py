# SPDX-License-Identifier: Apache-2.0
"""The worker process: `python -m beast_ops.jobs`."""

import logging
import signal
import socket
import sys

from beast_ops.errors import BeastError
from beast_ops.runtime.child import settle

NAME = "beast-worker"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Run jobs until told to stop; return the exit code."""
    settle(NAME)
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request says nothing new
    try:
        _work()
    except BeastError as failed:
        sys.stderr.write(f"{failed.paragraph()}\n")
        return failed.exit_code
    return 0


def _work() -> None:
    from beast_ops import closed
    from beast_ops.ingest.intake import KIND
    from beast_ops.ingest.run import handler
    from beast_ops.ingest.settings import surroundings

    from .table import JobTable
    from .worker import Worker

    around = surroundings()
    with JobTable(around.jobs) as table:
        ingest = handler(around)
        name = f"{NAME}@{socket.gethostname()}"
        worker = Worker(table, {KIND: ingest}, name, tidy=ingest.tidy)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        # What an upgrade tries out may be discarded, and uploads are shared with what it replaces.
        worker.run(lambda: not closed.is_closed(around.data))


if __name__ == "__main__":
    sys.exit(main())
