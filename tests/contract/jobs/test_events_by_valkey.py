# SPDX-License-Identifier: Apache-2.0
"""Events through a real Valkey: from an outbox to another one, each once, none lost."""

import asyncio
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from beast_ops.events import stream as room
from beast_ops.events.model import Event
from beast_ops.events.outbox import Outbox
from beast_ops.events.publisher import Publisher
from beast_ops.events.stream import FIELD, KEY, Relay, entries
from tests.valkey_server import PASSWORD, Server

NAME = "job.done"
DEADLINE_SECONDS = 20.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "AGAIN_SECONDS", 0.3)


@contextmanager
def relayed(server: Server, path: Path, news: Callable[[], None] = lambda: None) -> Iterator[None]:
    """A relay into the outbox at *path*, in a loop of its own."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(Relay(server.valkey, path, news).run())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait([task])))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


def published(path: Path, server: Server | None, *jobs: int) -> None:
    with Publisher(path, "elsewhere", server.valkey if server else None) as events:
        for number in jobs:
            events.publish(NAME, job=number)


def seen(path: Path) -> list[int]:
    with Outbox(path) as outbox:
        return [each.data["job"] for each in outbox.after(0)]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_what_happens_elsewhere_is_known_here(server: Server, tmp_path: Path) -> None:
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    told = []
    with relayed(server, here, lambda: told.append(1)):
        published(there, server, *range(50))
        wait_for(lambda: len(seen(here)) == 50)

    with Outbox(there) as one, Outbox(here) as other:
        assert [each.id for each in one.after(0)] == [each.id for each in other.after(0)]
    assert told


def test_what_is_in_the_outbox_already_is_there_once(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "events.sqlite"
    with relayed(server, path):
        published(path, server, 1, 2, 3)
        published(tmp_path / "other.sqlite", server, 4)
        wait_for(lambda: 4 in seen(path))
    with relayed(server, path):  # which reads all of it once more
        published(tmp_path / "other.sqlite", server, 5)
        wait_for(lambda: 5 in seen(path))

    assert [1, 2, 3, 4, 5] == seen(path)


def test_what_came_while_nobody_read_is_not_missed(server: Server, tmp_path: Path) -> None:
    here = tmp_path / "here.sqlite"
    published(tmp_path / "there.sqlite", server, 1, 2)
    with relayed(server, here):
        wait_for(lambda: seen(here) == [1, 2])


def test_what_was_pushed_out_long_ago_does_not_come_back(tmp_path: Path) -> None:
    with Outbox(tmp_path / "events.sqlite") as outbox:
        old = Event(NAME, 1000.0, "elsewhere", {"job": 0})
        outbox.add([Event(NAME, 2000.0 + each, "here", {"job": each}) for each in range(1000)])

        outbox.add_new([old, Event(NAME, 5000.0, "elsewhere", {"job": 1})])

        added = [each.data["job"] for each in outbox.after(0) if each.source == "elsewhere"]

    assert [1] == added


def test_none_is_lost_when_valkey_is_killed_meanwhile(server: Server, tmp_path: Path) -> None:
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    with relayed(server, here), Publisher(there, "elsewhere", server.valkey) as events:
        for number in range(60):
            events.publish(NAME, job=number)
            if number == 20:
                time.sleep(0.5)  # some are sent, the others wait
                server.kill()
            if number == 40:
                time.sleep(0.5)
                server.start()
            time.sleep(0.01)
        wait_for(lambda: len(seen(here)) >= 60)

    assert list(range(60)) == sorted(seen(here)) == seen(there)


RELAY = """
import asyncio, sys
from pathlib import Path
from beast_ops.events import stream
from beast_ops.valkey import given

stream.AGAIN_SECONDS = 0.3
asyncio.run(stream.Relay(given(), Path(sys.argv[1]), lambda: None).run())
"""


def test_none_is_lost_or_there_twice_when_who_reads_is_killed(
    server: Server, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - chance, not a secret
    there, here = tmp_path / "there.sqlite", tmp_path / "here.sqlite"
    words = (sys.executable, "-c", RELAY, here)
    environment = {**os.environ, **server.environment}
    relay = subprocess.Popen(words, env=environment)
    try:
        with Publisher(there, "elsewhere", server.valkey) as events:
            kills = set(chance.sample(range(20, 180), 4))
            wait_for(here.exists)
            for number in range(200):
                events.publish(NAME, job=number)
                time.sleep(0.02)
                if number in kills:
                    relay.kill()
                    relay.wait()
                    relay = subprocess.Popen(words, env=environment)
            wait_for(lambda: len(seen(here)) >= 200)
    finally:
        relay.kill()
        relay.wait()

    assert list(range(200)) == sorted(seen(here))


def test_one_that_is_silent_holds_nobody_up(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server.hold()
    there = tmp_path / "there.sqlite"
    begun = time.monotonic()
    with Publisher(there, "elsewhere", server.valkey) as events:
        events.publish(NAME, job=1)
        assert time.monotonic() - begun < 0.2
        wait_for(lambda: seen(there) == [1])

    assert "events wait for Valkey" in caplog.text
    assert PASSWORD not in caplog.text


def test_what_is_no_event_of_ours_is_left_out(server: Server, tmp_path: Path) -> None:
    here = tmp_path / "here.sqlite"
    with server.valkey.client() as client:
        for text in (b"no JSON", b"{}", b"[]", b'{"id": 1, "name": "job.done"}', b""):
            client.xadd(KEY, {FIELD: text})
        client.xadd(KEY, {"other": b"x"})
        unknown = b'{"id": "a", "name": "no.such", "at": 1, "source": "s", "data": {}}'
        client.xadd(KEY, {FIELD: unknown})
    published(tmp_path / "there.sqlite", server, 7)
    with relayed(server, here):
        wait_for(lambda: seen(here))

    assert [7] == seen(here)


def test_both_versions_of_the_protocol_are_understood() -> None:
    entry = (b"1-0", {FIELD: b"{}"})

    assert [(b"1-0", None)] == entries([[b"beast:events", [entry]]])
    assert [(b"1-0", None)] == entries({b"beast:events": [[entry]]})
    assert [] == entries([]) == entries({}) == entries(None)
