# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.door import doctor_verbs, gpus
from beast_ops.gpu.judge import Case
from beast_ops.gpu.model import Device, Holder, Reading, Trouble
from beast_ops.gpu.speeds import Pace
from beast_ops.health.gpus import Seen
from beast_ops.llm.listing import InMemory
from beast_ops.place import Place
from beast_ops.testing import an_installation

GIB = 1 << 30
CARD = Device(
    index=0,
    vendor="nvidia",
    name="NVIDIA L40S",
    total=48 * GIB,
    used=9 * GIB,
    busy=0.42,
    celsius=61,
    mig=True,
    holders=(Holder(pid=4711, bytes=8 * GIB, name="ollama"), Holder(pid=9)),
)
LOST = Trouble(kind="lost", subject="GPU 1", message="the GPU has fallen off the bus (NVML 15)")


@pytest.fixture
def shown(capsys, monkeypatch, tmp_path):
    """Return what shows this as the verb does, by its code and its words."""

    def show(*devices, claims=None, paces=(), troubles=(), as_json=False):
        case = Case(Reading(devices=devices, driver="570.86.15"), claims, paces)
        monkeypatch.setattr(gpus, "look", lambda *_: Seen(case, tuple(troubles)))
        code = gpus.gpu(Place(tmp_path), json=as_json)
        return code, capsys.readouterr().out

    return show


def test_without_a_gpu_one_sentence_is_enough(shown):
    said = "This host has no GPU that programs can use; models run on the CPU.\n"

    assert (0, said) == shown(claims={})


def test_a_gpu_that_nobody_can_ask_is_not_denied(shown):
    said = "The model server claims 8.6 GB of a GPU whose driver cannot be asked.\n"

    assert (0, said) == shown(claims={"a:1": InMemory(8 * GIB, 8 * GIB)})


def test_a_gpu_and_a_model_that_is_there(shown):
    claims = {"a:1": InMemory(8 * GIB, 8 * GIB), "b:1": InMemory(2 * GIB, GIB)}
    code, said = shown(CARD, claims=claims, paces=(Pace("a:1", 85.31, 90.0), Pace("b:1", 9.0)))

    assert 0 == code
    assert said == (
        "GPU 0  NVIDIA L40S, 9.7 GB of 51.5 GB in use, 42% busy, 61 °C, divided (MIG), "
        "used by ollama (4711), ? (9)\n"
        "a:1: 8.6 GB, 100% of it on a GPU as the server says, 85.3 tokens per second "
        "(usually 90.0)\n"
        "b:1: 2.1 GB, 50% of it on a GPU as the server says, 9.0 tokens per second\n"
        "The drivers do not contradict that.\n"
    )


def test_what_nobody_can_contradict_is_not_called_true(shown):
    _, said = shown(Device(index=0, vendor="amd"), claims={"a:1": InMemory(0, 0)})

    assert "GPU 0  amd\n" in said
    assert "contradict" not in said


@pytest.mark.parametrize(
    ("claims", "expected"),
    [(None, "says nothing of its models"), ({}, "has no model in memory")],
)
def test_a_server_that_claims_nothing(shown, claims, expected):
    assert expected in shown(CARD, claims=claims)[1]


def test_what_is_wrong_is_told_with_what_to_do(shown):
    code, said = shown(troubles=[LOST])

    assert 1 == code
    assert "BEAST-D902 A GPU is lost\n  Seen:  GPU 1: the GPU has fallen off the bus" in said
    assert "  Next:  Start the machine anew" in said


def test_all_of_it_is_there_for_machines(shown):
    claims = {"a:1": InMemory(8 * GIB, 8 * GIB)}
    code, said = shown(CARD, claims=claims, paces=(Pace("a:1", 8.0, 90.0),), as_json=True)
    found = json.loads(said)

    assert (0, "570.86.15", 9 * GIB, True) == (
        code,
        found["driver"],
        found["held_bytes"],
        found["local"],
    )
    assert {"bytes": 8 * GIB, "vram_bytes": 8 * GIB} == found["claims"]["a:1"]
    assert {"recent": 8.0, "usual": 90.0} == found["speeds"]["a:1"]
    assert 4711 == found["devices"][0]["holders"][0]["pid"]
    assert None is json.loads(shown(as_json=True)[1])["claims"]


def test_the_verb_looks_at_this_host(tmp_path, monkeypatch, capsys):
    """Whatever there is here; the installation has no model server."""
    place = an_installation(tmp_path / "root")
    monkeypatch.setenv("BEAST_ROOT", str(place.root))
    code = doctor_verbs.gpu.body(None, json=True)

    assert bool(json.loads(capsys.readouterr().out)["troubles"]) is bool(code)
