# SPDX-License-Identifier: Apache-2.0
"""The agent: `python -m beast_ops.agent`."""

import logging
import signal
import sys
import threading
from functools import partial

NAME = "beast-agent"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Serve until told to stop; return the exit code."""
    from beast_ops.place import installation
    from beast_ops.runtime.child import settle

    settle(NAME)
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    from .chores import keep
    from .operations import Operations
    from .server import Agent
    from .verbs import act

    place = installation()
    operations = Operations(place)
    agent, stopping = Agent(place, partial(act, operations=operations)), threading.Event()
    try:
        agent.listen()
    except OSError as failed:
        sys.stderr.write(f"The agent cannot listen: {failed.strerror} ({failed.filename}).\n")
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.close())
    threading.Thread(target=keep, args=(place, stopping), daemon=True).start()
    agent.serve()
    stopping.set()
    operations.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
