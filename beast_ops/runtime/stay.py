# SPDX-License-Identifier: Apache-2.0
"""How the processes of the stack that serve nobody begin and end: worker, keeper, watcher."""

import logging
import signal
import sys
from collections.abc import Callable

from beast_ops.errors import BeastError

from .child import settle

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
QUIET = ("httpx", "watchfiles")  # a line per request or change says nothing new


def stay(service: str, work: Callable[[], None]) -> int:
    """Settle as *service*, do *work*, and return the exit code; what failed is one paragraph.

    Args:
        service: The name on the service's card.
        work: What it does until it is told to stop.

    Raises:
        OSError: If it cannot be put on record.
    """
    settle(service)
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        work()
    except BeastError as failed:
        sys.stderr.write(f"{failed.paragraph()}\n")
        return failed.exit_code
    return 0


def when_told(stop: Callable[[], None]) -> None:
    """Call *stop* when this process is asked to end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
