# SPDX-License-Identifier: Apache-2.0
"""Events as they are put together, and a stream that is gone on with."""

import asyncio
import json

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from beast_ops.client import AsyncClient, Client, Message, Where
from beast_ops.client.sse import Reader
from beast_ops.client.stream import Follower
from beast_ops.clock import Clock
from beast_ops.errors import UnavailableError
from beast_ops.testing import free_port, serving


def read(text):
    reader = Reader()
    found = (reader.line(line) for line in text.split("\n"))
    return [each for each in found if each is not None]


def test_an_event_ends_with_an_empty_line():
    text = 'retry: 2000\n\n: alive\n\nid: 7\nevent: job.done\ndata: {"a":\ndata:1}\n\ndata: {}'

    assert [Message("job.done", {"a": 1}, "7")] == read(text)
    assert [Message("message", {}, "")] == read("data: {}\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize("name", ["", "event: failed\n"])
def test_an_event_that_tells_of_a_failure_is_raised(name):
    error = json.dumps({"error": {"message": "it broke off", "hint": "Try again."}})

    with pytest.raises(UnavailableError, match="it broke off") as failed:
        read(f"{name}data: {error}\n\n")
    assert "Try again." == failed.value.hint


class Flaky:
    """An API whose streams break off after so many events, and which has many events."""

    def __init__(self, most, each):
        self.most, self.each = most, each
        self.asked = []

    def app(self):
        routes = [Route("/events/stream", self.stream), Route("/events", self.newest)]
        return Starlette(routes=routes)

    async def newest(self, _):
        return JSONResponse({"total": 0, "events": [{"number": 3}]})

    async def stream(self, request):
        last = int(request.headers["last-event-id"])
        self.asked.append(last)
        if len(self.asked) % 3 == 2:
            return JSONResponse({"error": {"message": "too many", "hint": ""}}, 503)
        return StreamingResponse(self.events(last), media_type="text/event-stream")

    async def events(self, last):
        for number in range(last + 1, min(last + self.each, self.most) + 1):
            data = json.dumps({"number": number, "name": "x.y"})
            yield f"id: {number}\nevent: x.y\ndata: {data}\n\n"
        if len(self.asked) % 3 == 0:
            yield "data: half"
            raise ConnectionError("the API is killed")


def followed(address, count, after):
    with Client(Where(address, "t")) as client:
        events = client.follow(after=after)
        found = [next(events)["number"] for _ in range(count)]
        events.close()
    return found


def awaited(address, count, after):
    async def follow():
        async with AsyncClient(Where(address, "t")) as client:
            events, found = client.follow(after=after), []
            async for event in events:
                found.append(event["number"])
                if len(found) == count:
                    break
            await events.aclose()
            return found

    return asyncio.run(follow())


@pytest.mark.parametrize("follow", [followed, awaited])
@pytest.mark.parametrize(("after", "first"), [(None, 4), (10, 11)])
def test_a_stream_that_breaks_off_is_gone_on_with_where_it_was(follow, after, first):
    flaky = Flaky(most=10_000, each=5)
    with serving(flaky.app()) as address:
        found = follow(address, 23, after)

    assert list(range(first, first + 23)) == found
    assert len(flaky.asked) > 5


def test_who_stays_away_for_too_long_is_given_up():
    now = [0.0]
    clock = Clock(
        monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds)
    )
    address = f"http://127.0.0.1:{free_port()}"
    with Client(Where(address, "t"), clock=clock) as client, pytest.raises(UnavailableError):
        next(client.follow(after=1, patience=20))

    assert 20 < now[0] < 40


def test_whoever_reaches_it_is_patient_anew():
    now = [0.0]
    follower = Follower("", 1, 10, Clock(monotonic=lambda: now[0]))
    for _ in range(3):
        now[0] += 8
        follower.lost(UnavailableError("away"))
        follower.reached()
    follower.lost(UnavailableError("away"))
    now[0] += 11
    with pytest.raises(UnavailableError):
        follower.lost(UnavailableError("away"))
