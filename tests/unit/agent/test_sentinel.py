# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from beast_ops.agent import sentinel
from beast_ops.agent.ledger import Operation
from beast_ops.errors import UnavailableError
from beast_ops.events.bus import Bus
from beast_ops.runtime.control import ProcessState


def state(name, how="running", pid=1, restarts=0):
    return ProcessState(name, how, pid=pid, restarts=restarts)


@pytest.mark.parametrize(
    ("was", "now", "expected"),
    [
        (None, state("a"), []),
        (state("a"), state("a"), []),
        (state("a"), state("a", pid=2), ["service.started"]),
        (state("a"), state("a", restarts=1), ["service.started"]),
        (state("a"), state("a", "stopped", None), ["service.stopped"]),
        (state("a", "stopped", None), state("a"), ["service.started"]),
        (state("a"), state("a", "fatal", None), ["service.error"]),
        (state("a", "fatal", None), state("a", "fatal", None, 1), []),
        (state("a", "starting"), state("a"), ["service.started"]),
        (state("a"), state("a", "unhealthy"), ["service.error"]),
        (state("a", "stopped", None), state("a", "exited", None), []),
    ],
)
def test_what_changed_is_told(was, now, expected):
    before = {} if was is None else {"a": was}

    assert [(name, "a") for name in expected] == list(sentinel.changes(before, {"a": now}))


def test_it_looks_until_it_is_told_to_stop_and_survives_what_goes_wrong(place, monkeypatch):
    stopping, bus = threading.Event(), Bus("test")
    looks = iter(
        [
            [state("a")],
            UnavailableError("Docker is away"),
            ZeroDivisionError(),
            [state("a", "stopped", None)],
        ]
    )

    def status(_):
        found = next(looks, None)
        if found is None:
            stopping.set()
            return []
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(sentinel, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(sentinel, "_states", status)
    sentinel.watch(place, bus, stopping)

    told = [each.name for each in bus.history()]
    assert ["system.startup", "service.stopped", "system.shutdown"] == told


def test_operations_are_told_with_the_backup_they_concern():
    bus = Bus("test")
    tell = sentinel.operations_to(bus)
    tell(Operation(id="1", kind="restore", name="b", state="done", started=""))
    tell(Operation(id="2", kind="restart", name="beast-api", started=""))
    first, second = bus.history()

    assert ("restore.done", {"operation": "1", "backup": "b"}) == (first.name, first.data)
    assert ("restart.running", {"operation": "2", "service": "beast-api"}) == (
        second.name,
        second.data,
    )
