# SPDX-License-Identifier: Apache-2.0
"""Health of many services: `python tests/bench/health.py`.

Fifty services answer after different times over real sockets, from a process of their own. All
checks at once are measured against the slowest answer (the ideal) and against the same checks
one after the other; then again with one service that hangs and one that nobody serves.

Targets: wall at most the slowest + 50 ms; a hanging service costs exactly its deadline; with
equal delays at least 0.8 N times as fast as one after the other.
"""

import asyncio
import json
import multiprocessing
import platform
import random
import statistics
import time
from importlib.metadata import version
from multiprocessing.connection import Connection

from beast_ops.cards import Health, Service, Services
from beast_ops.health import report
from beast_ops.health.engine import Probe
from beast_ops.health.services import client, probes
from beast_ops.health.standpoint import on_host
from beast_ops.testing import a_service, free_port

SERVICES = 50
ROUNDS = 7
SLOWEST = 0.5
EQUAL = 0.2
DEADLINE = 1.0
SLACK = 0.05


def serve(delays: list[float], pipe: Connection) -> None:
    """Serve each delay on a port of its own and tell the ports."""

    async def main() -> None:
        ports = []
        for delay in delays:
            server = await asyncio.start_server(answering(delay), "127.0.0.1", 0)
            ports.append(server.sockets[0].getsockname()[1])
        pipe.send(ports)
        await asyncio.Event().wait()

    asyncio.run(main())


def answering(delay: float):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(delay)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return answer


def services(ports: list[int]) -> Services:
    health = Health(path="/", seconds=DEADLINE)
    found: list[Service] = [
        a_service(f"s{n}", f"http://127.0.0.1:{port}", health=health)
        for n, port in enumerate(ports)
    ]
    return Services(project="bench", runtime="embedded", root="/", data="/", services=tuple(found))


def at_once(found: Services) -> float:
    begun = time.perf_counter()
    asyncio.run(report.survey(found, lambda _: None, machine=False))
    return time.perf_counter() - begun


def one_by_one(found: Services) -> float:
    async def go() -> None:
        async with client(found) as through:
            for probe in probes(found, lambda _: None, through, on_host(found)):
                await within(probe)

    begun = time.perf_counter()
    asyncio.run(go())
    return time.perf_counter() - begun


async def within(probe: Probe) -> None:
    async with asyncio.timeout(probe.seconds):
        await probe.look()


def measured(delays: list[float]) -> tuple[list[float], list[float], list[float]]:
    """Return the times at once, one by one (once: it is slow), and with two bad services."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=serve, args=([*delays, 3600.0], theirs), daemon=True
    )
    process.start()
    *ports, hanging = ours.recv()
    found = services(ports)
    at_once(found)  # imports and first connections
    together = [at_once(found) for _ in range(ROUNDS)]
    sequence = [one_by_one(found)]
    bad = services([*ports[2:], hanging, free_port()])
    broken = [at_once(bad) for _ in range(3)]
    process.kill()
    return together, sequence, broken


def main() -> dict[str, object]:
    chance = random.Random(7)  # noqa: S311 - delays, not secrets
    mixed = [0.01 + (SLOWEST - 0.01) * chance.random() ** 2 for _ in range(SERVICES - 1)]
    spread = measured([*mixed, SLOWEST])
    equal = measured([EQUAL] * SERVICES)
    wall, hung = statistics.median(spread[0]), statistics.median(spread[2])
    speed_up = statistics.median(equal[1]) / statistics.median(equal[0])
    summary = {
        "over_slowest_ms": round((wall - SLOWEST) * 1000, 1),
        "over_slowest_equal_delays_ms": round((statistics.median(equal[0]) - EQUAL) * 1000, 1),
        "over_deadline_with_one_hanging_ms": round((hung - DEADLINE) * 1000, 1),
        "times_as_fast_as_one_by_one": round(statistics.median(spread[1]) / wall, 1),
        "times_as_fast_equal_delays": round(speed_up, 1),
    }
    met = wall <= SLOWEST + SLACK and hung <= DEADLINE + SLACK and speed_up >= 0.8 * SERVICES
    return {
        "summary": {**summary, "met": met},
        "services": SERVICES,
        "at_once_s": spread[0],
        "one_by_one_s": spread[1],
        "equal_at_once_s": equal[0],
        "equal_one_by_one_s": equal[1],
        "with_one_hanging_s": spread[2],
        "versions": {"python": platform.python_version(), "httpx": version("httpx")},
    }


if __name__ == "__main__":
    print(json.dumps(main(), indent=2))
