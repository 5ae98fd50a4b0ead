# SPDX-License-Identifier: Apache-2.0
import asyncio
import threading

import pytest

from beast_ops.events.bus import HISTORY, Bus
from beast_ops.events.model import KNOWN, NAMES


@pytest.fixture
def bus():
    return Bus("test")


def test_whoever_subscribed_is_told(bus):
    told = []
    bus.subscribe(told.append)
    event = bus.publish("job.done", job="a")

    assert [event] == told
    assert ("job.done", "test", {"job": "a"}) == (event.name, event.source, event.data)


def test_only_names_that_begin_so_are_told_and_until_the_end(bus):
    told = []
    end = bus.subscribe(lambda event: told.append(event.name), "model.")
    bus.publish("job.done")
    bus.publish("model.deleted")
    end()
    end()
    bus.publish("model.downloaded")

    assert ["model.deleted"] == told


def test_a_handler_that_fails_stops_no_other(bus, caplog):
    told = []

    def fail(_):
        raise ZeroDivisionError

    async def fail_later(_):
        raise ZeroDivisionError

    for handler in (fail, fail_later, told.append):
        bus.subscribe(handler)
    bus.publish("job.done")

    assert 1 == len(told)
    assert 2 == caplog.text.count("a handler failed at job.done")


def test_handlers_may_be_awaited_in_the_loop_of_who_publishes(bus, caplog):
    told = []

    async def slow(event):
        await asyncio.sleep(0)
        told.append((event.name, threading.get_ident()))

    async def fail(_):
        raise ZeroDivisionError

    async def main():
        bus.subscribe(fail)
        bus.subscribe(slow)
        bus.publish("job.done")
        assert not told
        await asyncio.sleep(0.05)

    asyncio.run(main())

    assert [("job.done", threading.get_ident())] == told
    assert "a handler failed" in caplog.text


def test_the_last_thousand_are_remembered_and_each_has_an_id_of_its_own(bus):
    for number in range(HISTORY + 10):
        bus.publish("job.done", number=number)
    found = bus.history()

    assert HISTORY == len(found) == len({each.id for each in found})
    assert (10, HISTORY + 9) == (found[0].data["number"], found[-1].data["number"])


def test_an_event_nobody_knows_is_a_mistake_of_ours(bus):
    with pytest.raises(ValueError, match=r"no event called job\.lost"):
        bus.publish("job.lost")


def test_the_names_of_the_catalogue_are_known():
    wanted = {
        "model.downloaded", "model.deleted", "model.updated", "rag.ingested", "rag.queried",
        "agent.task.started", "agent.task.completed", "agent.task.failed", "service.started",
        "service.stopped", "service.error", "system.startup", "system.shutdown", "system.error",
    }  # fmt: skip

    assert wanted <= KNOWN
    assert {"backup", "restore", "drill", "job"} <= NAMES.keys()
