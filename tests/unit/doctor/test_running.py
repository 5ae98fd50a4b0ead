# SPDX-License-Identifier: Apache-2.0
import socket
from types import SimpleNamespace

import pytest

from beast_ops.doctor import running
from beast_ops.doctor.model import scene as look
from beast_ops.errors import UnavailableError
from beast_ops.health import report
from beast_ops.health.model import Status
from beast_ops.place import Place
from beast_ops.runtime.control import ProcessState
from beast_ops.runtime.identity import Identity
from beast_ops.runtime.rpc import LEAVING


class Runtime:
    """A runtime whose services are in given states."""

    def __init__(self, **states):
        self.states, self.lines, self.differences, self.silent = states, [], [], False

    def status(self, _place):
        if self.silent:
            raise UnavailableError("Docker does not answer")
        return [ProcessState(name, state, restarts=4) for name, state in self.states.items()]

    def altered(self, _place, _services):
        yield from self.differences

    def logs(self, _place, _name, _lines):
        if self.silent is None:
            raise UnavailableError("no logs")
        return iter(self.lines)


@pytest.fixture
def runtime(monkeypatch):
    made = Runtime(store="running", front="running")
    monkeypatch.setattr(running, "of", lambda _: made)
    return made


def told(found):
    return [(each.id, each.evidence) for each in found]


@pytest.mark.usefixtures("runtime")
def test_services_that_run_give_no_diagnosis(scene):
    assert [] == [*running.services(scene()), *running.altered(scene())]


def test_a_service_that_was_stopped_is_found(scene, runtime):
    runtime.states["front"] = "stopped"

    assert [("BEAST-D301", "front is stopped")] == told(running.services(scene()))


def test_a_service_that_crashes_is_found_with_its_last_words_and_no_secret(scene, runtime, place):
    secret = (place.secrets / "store" / "key").read_text()
    runtime.states["front"] = "restarting"
    runtime.lines = ["hello", f"Error: key {secret} refused"]

    assert [("BEAST-D302", "front is restarting (4 restarts): Error: key *** refused")] == told(
        running.services(scene())
    )


def test_a_service_that_crashes_without_a_word_is_found_as_well(scene, runtime):
    runtime.states["front"], runtime.silent = "fatal", None

    assert [("BEAST-D302", "front is fatal (4 restarts)")] == told(running.services(scene()))


def test_where_nobody_can_tell_nothing_is_said(scene, runtime, tmp_path):
    runtime.silent = True

    assert [] == running.states(scene())
    assert [] == running.states(look(Place(tmp_path / "nothing")))
    assert [] == list(running.altered(look(Place(tmp_path / "nothing"))))


def test_a_container_of_another_image_is_found(scene, runtime):
    runtime.differences = [("store", "runs a:1 instead of a:2")]

    (found,) = running.altered(scene(runtime="compose"))
    assert ("BEAST-D303", "store runs a:1 instead of a:2") == (found.id, found.evidence)


def test_an_engine_that_does_not_answer_is_told_elsewhere(scene, monkeypatch):
    def silent(_place):
        raise UnavailableError("Docker does not answer")

    monkeypatch.setattr(running, "of", silent)

    assert [] == list(running.altered(scene()))


def test_a_foreign_program_on_the_port_of_an_idle_service_is_found(scene, runtime, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        here = scene(ports=[port])
        assert [] == told(running.ports(here))
        runtime.states["front"] = "stopped"
        (found,) = running.ports(here)
        monkeypatch.setattr(running, "holder", lambda _: "")
        (unknown,) = running.ports(here)
        monkeypatch.setattr(running, "listeners", lambda _: set())
        assert [] == told(running.ports(here))

    assert found.id == "BEAST-D304"
    assert "(process " in found.evidence
    assert unknown.evidence.endswith("a program of another user")


@pytest.mark.parametrize(("presence", "left", "expected"), [
    (7, set(), []),
    (LEAVING, set(), []),
    (None, set(), ["BEAST-D305"]),
    (None, {Identity(8, "x"), Identity(9, "x")}, ["BEAST-D305"]),
])  # fmt: skip
def test_what_a_dead_supervisord_left_is_found(scene, monkeypatch, presence, left, expected):
    here = scene()
    path = here.place.run / "socket"
    path.touch()
    monkeypatch.setattr(running, "socket_path", lambda _: path)
    monkeypatch.setattr(running, "Supervisor", lambda _: SimpleNamespace(presence=lambda: presence))
    monkeypatch.setattr(running, "find", lambda _: left)

    assert expected == [each.id for each in running.keeper(here)]
    path.unlink()
    assert (expected if left else []) == [each.id for each in running.keeper(here)]


def test_containers_have_no_supervisord(scene):
    assert [] == list(running.keeper(scene(runtime="compose")))


def test_a_service_that_runs_and_does_not_work_is_found(scene, runtime, monkeypatch):
    checks = [
        SimpleNamespace(name="store", status=Status.UNHEALTHY, message="answers 500"),
        SimpleNamespace(name="front", status=Status.DEGRADED, message="slow"),
        SimpleNamespace(name="disk", status=Status.UNHEALTHY, message="full"),
    ]
    monkeypatch.setattr(report, "run", lambda _: SimpleNamespace(checks=checks))
    runtime.states["store"] = "unhealthy"

    assert [("BEAST-D306", "store: answers 500"), ("BEAST-D307", "front: slow")] == told(
        running.work(scene())
    )
    assert [] == told(running.services(scene()))
    runtime.states.clear()
    assert [] == told(running.work(scene()))


def test_what_a_container_says_of_itself_counts_as_well(scene, runtime, monkeypatch):
    checks = [SimpleNamespace(name="store", status=Status.HEALTHY, message="answers")]
    monkeypatch.setattr(report, "run", lambda _: SimpleNamespace(checks=checks))
    runtime.states = {"store": "unhealthy", "front": "unhealthy", "other": "running"}

    assert {"store", "front"} == {each.subject for each in running.work(scene())}
