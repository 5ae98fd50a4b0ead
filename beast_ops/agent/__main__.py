# SPDX-License-Identifier: Apache-2.0
"""The agent: `python -m beast_ops.agent`."""

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from beast_ops.events.bus import Bus
    from beast_ops.place import Place

NAME = "beast-agent"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Serve until told to stop; return the exit code."""
    from beast_ops.events.host import bus_of
    from beast_ops.place import installation
    from beast_ops.runtime.child import settle

    settle(NAME)
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    from . import sentinel
    from .chores import keep
    from .operations import Operations
    from .server import Agent
    from .verbs import act

    place = installation()
    bus = bus_of(place, NAME)
    operations = Operations(place, tell=sentinel.operations_to(bus))
    agent, stopping = Agent(place, partial(act, operations=operations)), threading.Event()
    try:
        agent.listen()
    except OSError as failed:
        sys.stderr.write(f"The agent cannot listen: {failed.strerror} ({failed.filename}).\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.close())
    threading.Thread(target=keep, args=(place, stopping), daemon=True).start()
    with _watching(place, bus, stopping):
        agent.serve()
        stopping.set()
        operations.close()
    return 0


@contextmanager
def _watching(place: "Place", bus: "Bus", stopping: threading.Event) -> Iterator[None]:
    """Have services looked at until *stopping*."""
    from .sentinel import watch

    watching = threading.Thread(target=watch, args=(place, bus, stopping))
    watching.start()
    try:
        yield
    finally:
        stopping.set()
        watching.join()


if __name__ == "__main__":
    sys.exit(main())
