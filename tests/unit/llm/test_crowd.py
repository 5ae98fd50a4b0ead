# SPDX-License-Identifier: Apache-2.0
"""A crowd of callers at once, over real connections to a server that counts what it sees.

It is ten thousand with `--long`; the guard alone has as many each time (`test_guard`).
"""

import asyncio
import gc
import json
import random
import threading
import tracemalloc
from contextlib import contextmanager

from beast_ops import http
from beast_ops.errors import UnavailableError
from beast_ops.llm.chat import ChatServer, Request, Turn
from beast_ops.llm.wire import Deadlines, Terms
from beast_ops.resilience import Guards, Policy

CLIENTS, AT_ONCE = 10, 20
POLICY = Policy(at_once=AT_ONCE, failures=10**6, attempts=2, wait=0.001, seconds=500)
PATIENT = Deadlines(first=500, next=500, whole=500, look=500)
MOST_GROWTH = 300_000  # bytes that a second crowd may leave: what is cached along the way
LINE = json.dumps({"message": {"content": "yes"}, "done": True, "done_reason": "stop"}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s\n" % (len(LINE) + 1, LINE)
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}"


class Upstream:
    """What the server saw: calls in all, at once, and connections that are open."""

    def __init__(self):
        self.url = ""
        self.calls = self.inside = self.most = self.open = self.most_open = 0
        self.fail_every = 0

    async def serve(self, reader, writer):
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = int(head.lower().partition(b"content-length:")[2].split()[0])
                await reader.readexactly(size)
                await self.one(writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # they hung up
        finally:
            self.open -= 1
            writer.close()

    async def one(self, writer):
        self.calls += 1
        self.inside += 1
        self.most = max(self.most, self.inside)
        fails = self.fail_every and self.calls % self.fail_every == 0
        await asyncio.sleep(0.001)
        self.inside -= 1
        writer.write(BUSY if fails else ANSWER)


@contextmanager
def upstream():
    seen, loop = Upstream(), asyncio.new_event_loop()

    async def begin():
        server = await asyncio.start_server(seen.serve, "127.0.0.1", 0)
        seen.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    async def end(server):
        server.close()
        await server.wait_closed()
        for _ in range(200):
            if not seen.open:
                return
            await asyncio.sleep(0.01)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield seen
        asyncio.run_coroutine_threadsafe(end(server), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def crowd(url, guards, count, chance):
    """Have *count* callers of ten clients ask at once, of whom some give up; return their tally."""
    served, half = [0] * CLIENTS, list[int]()
    asked = Request("m", (Turn("user", "Hello"),))

    async def one(server, client):
        await server.whole(asked)
        served[client] += 1
        if sum(served) == count // 2:
            half.extend(served)

    before = len(asyncio.all_tasks())
    async with http.async_client(url, seconds=500) as client:
        server = ChatServer(client, Terms(PATIENT, guards, POLICY))
        tasks = [asyncio.create_task(one(server, each % CLIENTS)) for each in range(count)]
        await asyncio.sleep(0)
        for task in chance.sample(tasks, count // 20):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert before == len(asyncio.all_tasks())
    return half, ended


def test_a_crowd_is_served_fairly_within_the_limit_and_leaves_nothing(seed, rounds):
    chance = random.Random(seed)  # noqa: S311 - a test
    count, guards = rounds(2000, 10_000), Guards()

    with upstream() as seen:
        seen.fail_every = 50
        half, ended = asyncio.run(crowd(seen.url, guards, count, chance))
        assert seen.most <= AT_ONCE
        assert seen.most_open <= AT_ONCE
        assert seen.most > AT_ONCE // 2  # else the limit was never tried
    cancelled = sum(isinstance(each, asyncio.CancelledError) for each in ended)
    failed = [each for each in ended if isinstance(each, Exception)]
    [[standing]] = guards.standings().values()

    assert max(half) <= 2 * min(half)
    assert count // 20 == cancelled
    assert all(isinstance(each, UnavailableError) for each in failed)
    assert len(failed) < count // 500
    assert count == sum(standing.figures.outcomes.values())
    assert count // 20 == standing.figures.outcomes["left"]
    assert len(failed) == standing.figures.outcomes["unavailable"]
    assert seen.calls == count - cancelled + standing.figures.retries
    assert (0, 0) == (seen.open, standing.figures.running)


def test_a_second_crowd_leaves_no_more_memory_than_the_first(seed):
    chance, guards = random.Random(seed), Guards()  # noqa: S311 - a test
    with upstream() as seen:
        for _ in range(2):
            asyncio.run(crowd(seen.url, guards, 500, chance))
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            asyncio.run(crowd(seen.url, guards, 500, chance))
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert after - before < MOST_GROWTH
