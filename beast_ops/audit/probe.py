# SPDX-License-Identifier: Apache-2.0
"""Look at another host from outside: which of its ports let one in.

Needs nothing but the standard library of Python 3.8, because it is sent to hosts where nothing
of ours is installed:

    python3 - '{"address": "10.0.0.7", "first": 1, "last": 65535}' < probe.py

It connects and says nothing, and answers with one JSON object: the ports that were `open`, and
how many did not even refuse (`silent`), as behind a firewall.
"""

from __future__ import annotations

import asyncio
import errno
import json
import resource
import sys
import time
from typing import Dict, Iterable, List, NamedTuple  # noqa: UP035 - evaluated by Python 3.8


class Wish(NamedTuple):
    """What to look at and how fast.

    Attributes:
        address: The host.
        first: The first port.
        last: The last port.
        rate: New connections per second.
        patience: Seconds to wait for an answer.
    """

    address: str
    first: int = 1
    last: int = 65535
    rate: int = 4000
    patience: float = 1.0


SPARE_HANDLES = 50
MOST_AT_ONCE = 2000
FEW = 1000


async def scan(wish: Wish, ports: Iterable[int]) -> Dict[int, str]:  # noqa: UP006 - likewise
    """Return what each of *ports* came to: open, closed or silent."""
    handles, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    places = asyncio.Semaphore(max(1, min(MOST_AT_ONCE, handles - SPARE_HANDLES)))
    found: Dict[int, str] = {}  # noqa: UP006 - likewise
    tasks = []
    begun = time.monotonic()

    async def one(port: int) -> None:
        try:
            found[port] = await knock(wish, port)
        finally:
            places.release()

    for count, port in enumerate(ports):
        await asyncio.sleep(max(0.0, begun + count / wish.rate - time.monotonic()))
        await places.acquire()
        tasks.append(asyncio.ensure_future(one(port)))
    await asyncio.gather(*tasks)
    return found


async def knock(wish: Wish, port: int) -> str:
    """Return what *port* does when one connects."""
    try:
        _, writer = await asyncio.wait_for(
            asyncio.open_connection(wish.address, port), wish.patience
        )
    except asyncio.TimeoutError:  # noqa: UP041 - another class in Python 3.8
        return "silent"
    except OSError as failed:
        return "closed" if failed.errno == errno.ECONNREFUSED else "silent"
    writer.transport.abort()
    return "open"


def main(words: List[str]) -> None:  # noqa: UP006 - likewise
    """Print what the wish in the first word comes to."""
    wish = Wish(**json.loads(words[0]))
    found = asyncio.run(scan(wish, range(wish.first, wish.last + 1)))
    silent = [port for port, state in found.items() if state == "silent"]
    if len(silent) < FEW:  # a lost packet is likelier than a firewall for so few
        found.update(asyncio.run(scan(wish, silent)))
        silent = [port for port in silent if found[port] == "silent"]
    answer = {
        "open": sorted(port for port, state in found.items() if state == "open"),
        "silent": len(silent),
        "looked": len(found),
    }
    sys.stdout.write(f"{json.dumps(answer)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
