# SPDX-License-Identifier: Apache-2.0
import asyncio
import itertools
import json
import threading

import pytest

from beast_ops.agent.server import Agent
from beast_ops.cards import Health, read_services
from beast_ops.gpu import host, speeds
from beast_ops.gpu.host import Host
from beast_ops.gpu.model import Device, Holder, Reading, Trouble
from beast_ops.health import report
from beast_ops.health.gpus import look
from beast_ops.health.model import Status
from beast_ops.health.standpoint import Standpoint
from beast_ops.testing import Canned, a_service, an_installation, fake_service

GIB = 1 << 30
AGENT = a_service("beast-agent", place="host", health=Health(deep="agent", seconds=2))
LOST = Trouble(kind="lost", subject="GPU 0", message="fell off the bus")


def ps(*models):
    rows = [
        {"name": name, "size": size, "size_vram": vram, "digest": "d"}
        for name, size, vram in models
    ]
    return Canned({"models": rows})


def gpu(used):
    holders = (Holder(pid=4711, bytes=used, name="ollama"),)
    return Reading(
        devices=(Device(index=0, vendor="nvidia", total=24 * GIB, used=used, holders=holders),)
    )


@pytest.fixture
def place_of(tmp_path, monkeypatch):
    """Return a maker of an installation with a model server, on a host whose drivers say so."""

    def make(reading, address, *others, external=False):
        server = a_service("models", address, external=external, health=Health(deep="models"))
        place = an_installation(tmp_path / "root", server, *others)
        monkeypatch.setattr(host, "_HOSTS", {place.root: Host(place, lambda: reading)})
        return place

    return make


def checked(place, *, inside=False):
    """Return the check of the GPUs, or nothing where there is none."""
    services = read_services(place.services)
    here = Standpoint(place.root, place.data / "1", place.secrets, inside=inside)
    found = asyncio.run(report.survey(services, lambda _: None, machine=True, standpoint=here))
    return next((check for check in found.checks if check.name == "gpu"), None)


def test_a_host_without_a_gpu_is_well(place_of):
    with fake_service({"/api/ps": ps(("a", GIB, 0))}) as fake:
        found = checked(place_of(Reading(), fake.address))

    said = "this host has no GPU that programs can use; models run on the CPU"
    assert (Status.HEALTHY, said) == (found.status, found.message)


def test_where_no_models_run_nobody_looks(tmp_path):
    assert None is checked(an_installation(tmp_path / "root", a_service("s")))


def test_a_model_on_the_gpu_is_well(place_of):
    with fake_service({"/api/ps": ps(("a", 8 * GIB, 8 * GIB))}) as fake:
        found = checked(place_of(gpu(9 * GIB), fake.address))

    assert (Status.HEALTHY, "1 GPU, 9.7 GB of 25.8 GB in use") == (found.status, found.message)
    assert (8 * GIB, 9 * GIB) == (found.details["claimed_bytes"], found.details["held_bytes"])
    assert "holders" not in found.details["devices"][0]
    json.dumps(found.details)


def test_a_model_that_left_it_without_a_word_is_a_nuisance(place_of):
    with fake_service({"/api/ps": ps(("a", 8 * GIB, 8 * GIB))}) as fake:
        found = checked(place_of(gpu(GIB), fake.address))

    assert Status.DEGRADED is found.status
    assert "a: the model server claims 8.6 GB" in found.message
    assert found.message.endswith("Run: ./beast gpu")
    assert ["fallback"] == [each["kind"] for each in found.details["troubles"]]


@pytest.mark.parametrize("leaves", [1, 2])
def test_a_model_that_goes_meanwhile_is_no_contradiction(place_of, leaves):
    said = iter([ps(("a", 8 * GIB, 8 * GIB))] * leaves + [ps()] * 2)
    with fake_service({"/api/ps": lambda _: next(said)}) as fake:
        found = checked(place_of(gpu(100 << 20), fake.address))

    assert Status.HEALTHY is found.status


def test_a_model_that_is_still_being_loaded_is_no_contradiction(place_of):
    """Until then, Ollama counts the end of its stay from now on (PsHandler in server/routes.go)."""
    moments = itertools.count()

    def said(_):
        row = {"name": "a", "size": GIB, "size_vram": GIB, "expires_at": f"{next(moments)}"}
        return Canned({"models": [row]})

    with fake_service({"/api/ps": said}) as fake:
        found = checked(place_of(gpu(100 << 20), fake.address))

    assert (Status.HEALTHY, 3) == (found.status, next(moments))


def test_a_model_is_not_held_against_what_was_true_before_it_came(place_of, monkeypatch):
    readings = iter([gpu(100 << 20), gpu(9 * GIB)])
    with fake_service({"/api/ps": ps(("a", 8 * GIB, 8 * GIB))}) as fake:
        place = place_of(Reading(), fake.address)
        asked = Host(place, lambda: next(readings))
        monkeypatch.setattr(host, "_HOSTS", {place.root: asked})
        asked.look()  # a moment ago

        assert Status.HEALTHY is checked(place).status


def test_memory_that_nobody_uses_is_told(place_of):
    with fake_service({"/api/ps": ps()}) as fake:
        found = checked(place_of(gpu(9 * GIB), fake.address))

    assert ["orphans"] == [each["kind"] for each in found.details["troubles"]]


def test_several_troubles_are_counted(place_of):
    reading = Reading(devices=gpu(0).devices, troubles=(LOST,))
    with fake_service({"/api/ps": ps(("a", GIB, 0))}) as fake:
        found = checked(place_of(reading, fake.address))

    assert "GPU 0: fell off the bus (and 1 more)" in found.message


@pytest.mark.parametrize(
    "said", [Canned(b"x", 500), Canned([]), Canned({"models": [{}]}), Canned(b"nonsense")]
)
def test_a_server_that_says_nonsense_is_somebody_elses_to_tell(place_of, said):
    with fake_service({"/api/ps": said}) as fake:
        found = checked(place_of(gpu(9 * GIB), fake.address))

    assert (Status.HEALTHY, None) == (found.status, found.details["claimed_bytes"])


def test_a_server_that_is_not_there_keeps_nobody_waiting(place_of):
    found = checked(place_of(Reading(troubles=(LOST,)), "http://127.0.0.1:9"))

    assert Status.DEGRADED is found.status
    assert found.duration_ms < 3000


@pytest.mark.parametrize("external", [False, True])
def test_how_fast_it_was_counts(place_of, external):
    with fake_service({"/api/ps": ps(("a:1", 8 * GIB, 8 * GIB))}) as fake:
        place = place_of(gpu(9 * GIB), fake.address, external=external)
        fast = tuple(speeds.Measured(at=0.0, speed=100.0) for _ in range(20))
        line = speeds.Line(
            server=fake.address if external else "models",
            model="a:1",
            digest="d",
            usual=fast,
            recent=tuple(speeds.Measured(at=0.0, speed=8.0) for _ in range(5)),
        )
        path = speeds.speeds_file(place.data / "1")
        path.parent.mkdir(parents=True)
        speeds.write(path, speeds.Book(lines=(line,)))
        found = checked(place)

    assert ["slow"] == [each["kind"] for each in found.details["troubles"]]
    assert {"a:1": {"recent": 8.0, "usual": 100.0}} == found.details["speeds"]


def test_from_a_container_the_agent_tells(place_of):
    reading = Reading(devices=gpu(GIB).devices, troubles=(LOST,))
    place = place_of(reading, None, AGENT)
    agent = Agent(place)
    agent.listen()
    serving = threading.Thread(target=agent.serve, daemon=True)
    serving.start()
    try:
        found = checked(place, inside=True)
    finally:
        agent.close()
        serving.join(10)

    assert (Status.DEGRADED, True) == (found.status, "fell off the bus" in found.message)
    json.dumps(found.details)
    assert GIB == found.details["devices"][0]["used"]


def test_from_a_container_without_an_agent_nobody_looks(place_of):
    assert None is checked(place_of(gpu(0), None), inside=True)


def test_an_agent_that_does_not_answer_is_said_so(place_of):
    found = checked(place_of(gpu(0), None, AGENT), inside=True)

    assert Status.DEGRADED is found.status
    assert "nobody tells" in found.message


def test_the_gate_leaves_it_out(place_of):
    with fake_service({"/api/ps": ps(), "/api/tags": Canned({"models": [{"name": "a"}]})}) as fake:
        place = place_of(Reading(troubles=(LOST,)), fake.address)

        assert ["models"] == [check.name for check in report.gate(place).checks]


def test_a_verb_on_the_host_sees_the_same(place_of):
    with fake_service({"/api/ps": ps(("a", 8 * GIB, 8 * GIB))}) as fake:
        place = place_of(gpu(100 << 20), fake.address)
        found = look(place, read_services(place.services), lambda _: None)

    assert ["fallback"] == [each.kind for each in found.troubles]


def test_without_an_installation_the_drivers_are_asked_alone(place_of):
    place = place_of(Reading(troubles=(LOST,)), None)

    assert (LOST,) == look(place, None, lambda _: None).troubles
