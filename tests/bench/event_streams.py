# SPDX-License-Identifier: Apache-2.0
"""Many who want to listen to events at once: `python tests/bench/event_streams.py [LISTENERS]`.

Asks the installation at `BEAST_ROOT` for `GET /events/stream` on so many connections, as fast as
they come, and keeps all that are let in. Says how many were let in and how many were sent away,
how long that took, what it did to the memory of the API, and how long `/health/live` took
meanwhile. Target: nobody is left without an answer, and 100 are let in.
"""

import asyncio
import json
import statistics
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from beast_ops.cards import read_services
from beast_ops.keys import read_secret
from beast_ops.place import Place, installation

LISTENERS = 10_000
AT_ONCE = 500  # whose connections are not answered yet
ANSWER_SECONDS = 60.0
LET_IN = 100


async def listen(
    where: tuple[str, int], head: bytes, turn: asyncio.Semaphore
) -> tuple[str, asyncio.StreamWriter | None]:
    """Return the status of an answer; with what keeps it open if it is let in."""
    async with turn:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_connection(*where)
                writer.write(head)
                status = (await reader.readline()).split()[1].decode()
        except (OSError, TimeoutError, IndexError) as failed:
            return type(failed).__name__, None
    if status == "200":
        return status, writer
    writer.close()
    return status, None


async def live(where: tuple[str, int], took: list[float]) -> None:
    """Ask for `/health/live` again and again, and note how long each answer took."""
    while True:
        begun = time.perf_counter()
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        await reader.read()
        writer.close()
        took.append(time.perf_counter() - begun)
        await asyncio.sleep(0.05)


def memory(place: Place) -> float:
    """Return the memory of the API in MiB."""
    pid = json.loads((place.run / "beast-api.json").read_bytes())["pid"]
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(each for each in lines if each.startswith("VmRSS")).split()[1]) / 1024


async def main(listeners: int) -> int:
    """Measure and print; return 1 if the target is missed."""
    place = installation()
    service = read_services(place.services).api()
    address = urlsplit(service.address or "")
    where = (str(address.hostname), int(address.port or 80))
    token = read_secret(place.secrets / service.name / "token")
    head = (
        f"GET /events/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
    ).encode()
    before, took = memory(place), list[float]()
    asking = asyncio.create_task(live(where, took))
    turn, begun = asyncio.Semaphore(AT_ONCE), time.perf_counter()
    answers = await asyncio.gather(*(listen(where, head, turn) for _ in range(listeners)))
    seconds, after = time.perf_counter() - begun, memory(place)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    found = Counter(status for status, _ in answers)
    for _, writer in answers:
        if writer is not None:
            writer.close()
    report = {
        "listeners": listeners,
        "answers": dict(found),
        "seconds": round(seconds, 2),
        "memory_mib": [round(before, 1), round(after, 1)],
        "live_ms": {
            "median": round(statistics.median(took) * 1000, 1),
            "max": round(max(took) * 1000, 1),
        },
    }
    print(json.dumps(report, indent=2))
    return 0 if found == {"200": LET_IN, "503": listeners - LET_IN} else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LISTENERS)))
