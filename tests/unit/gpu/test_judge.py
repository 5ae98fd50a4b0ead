# SPDX-License-Identifier: Apache-2.0
"""What is claimed against what is true: nothing is said where they agree, and always where not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from beast_ops.gpu.judge import HELD_SHARE, LEAST_BYTES, Case, held, judge, without
from beast_ops.gpu.model import Device, Holder, Reading, Trouble
from beast_ops.gpu.speeds import Pace
from beast_ops.llm.listing import InMemory

GIB = 1 << 30
LOST = Trouble(kind="lost", subject="GPU 0", message="gone")


def device(used, total=24 * GIB, index=0, holders=()):
    found = tuple(Holder(pid=pid, bytes=size, name=name) for pid, size, name in holders)
    return Device(index=index, vendor="nvidia", total=total, used=used, holders=found or None)


def case(used, claims, **said):
    return Case(Reading(devices=(device(used, **said),)), claims)


def on_gpu(size):
    return InMemory(size, size)


def kinds(found):
    return [each.kind for each in judge(found)]


def test_a_model_that_is_on_the_gpu_is_no_trouble():
    assert [] == kinds(case(9 * GIB, {"a": on_gpu(8 * GIB)}))


def test_a_model_that_left_the_gpu_without_a_word_is_one():
    (found,) = judge(case(GIB // 2, {"a": on_gpu(8 * GIB)}))

    assert ("fallback", "a") == (found.kind, found.subject)
    assert "claims 8.6 GB of GPU memory, the driver knows of 0.5 GB at most" in found.message


def test_what_a_stranger_holds_does_not_hide_it():
    strangers = [(1, 12 * GIB, "python3"), (2, GIB, "Xorg")]
    seen = case(14 * GIB, {"a": on_gpu(8 * GIB)}, holders=strangers)

    assert ["fallback"] == kinds(seen)


@pytest.mark.parametrize("name", ["ollama", "ollama_llama_server", "llama-server", ""])
def test_who_may_be_the_model_server_is_believed(name):
    assert [] == kinds(case(9 * GIB, {"a": on_gpu(8 * GIB)}, holders=[(1, 8 * GIB, name)]))


def test_two_gpus_hold_one_model_together():
    reading = Reading(devices=(device(4 * GIB), device(5 * GIB, index=1)))

    assert [] == kinds(Case(reading, {"a": on_gpu(8 * GIB)}))


@pytest.mark.parametrize(
    "reading",
    [
        Reading(),  # a GPU whose driver we cannot ask, such as Intel's
        Reading(devices=(device(None, None),)),  # one that shares the memory of the host
        Reading(devices=(device(0), device(None, None, 1))),
        Reading(devices=(device(0),), troubles=(LOST,)),
    ],
    ids=["none", "shared", "one of two shared", "another lost"],
)
def test_what_nobody_knows_is_not_judged(reading):
    assert "fallback" not in kinds(Case(reading, {"a": on_gpu(8 * GIB)}))
    assert None is held(reading)


def test_a_server_elsewhere_is_not_held_against_drivers_here():
    seen = Case(
        Reading(devices=(device(0),)), {"a": on_gpu(GIB), "b": InMemory(GIB, 0)}, local=False
    )

    assert [] == kinds(seen)


def test_where_the_server_is_elsewhere_that_is_said():
    assert "elsewhere" in without(Case(Reading(), {"a": on_gpu(GIB)}, local=False))


def test_a_server_that_says_nothing_is_not_judged():
    assert [] == kinds(case(0, None))


def test_troubles_of_the_drivers_come_first():
    seen = Case(Reading(devices=(device(0),), troubles=(LOST,)), {"a": InMemory(GIB, 0)})

    assert ["lost", "on-cpu"] == kinds(seen)


def test_a_model_that_is_said_to_be_on_the_cpu_is_told_where_it_would_fit():
    (found,) = judge(case(GIB, {"a": InMemory(8 * GIB, 0)}))

    assert ("on-cpu", "a") == (found.kind, found.subject)


def test_a_model_for_which_others_of_the_server_leave_no_room_is_no_trouble():
    claims = {"large": on_gpu(22 * GIB), "small": InMemory(4 * GIB, 0)}

    assert [] == kinds(case(22 * GIB, claims))


def test_a_model_that_fits_beside_the_others_is_one():
    claims = {"large": on_gpu(12 * GIB), "small": InMemory(4 * GIB, 0)}

    assert ["on-cpu"] == kinds(case(12 * GIB, claims))


@pytest.mark.parametrize(
    ("total", "claim"),
    [(GIB // 2, InMemory(8 * GIB, 0)), (24 * GIB, InMemory(30 * GIB, 20 * GIB))],
    ids=["too large for the GPU of a processor", "partly"],
)
def test_a_model_that_cannot_fit_is_no_trouble(total, claim):
    assert [] == kinds(case(total // 2 + claim.vram_bytes // 2, {"a": claim}, total=total))


def test_memory_that_the_server_forgot_is_told():
    seen = case(8 * GIB, {}, holders=[(4711, 7 * GIB, "ollama"), (2, GIB, "python3")])
    (found,) = judge(seen)

    assert "orphans" == found.kind
    assert "process 4711 (ollama) holds 7.5 GB" in found.message


def test_nothing_is_forgotten_while_a_model_is_there():
    seen = case(9 * GIB, {"a": on_gpu(8 * GIB)}, holders=[(4711, 9 * GIB, "ollama")])

    assert [] == kinds(seen)


@pytest.mark.parametrize(
    ("recent", "claim", "expected"),
    [
        (9.0, on_gpu(GIB), ["slow"]),
        (26.0, on_gpu(GIB), []),
        (9.0, InMemory(GIB, GIB // 2), ["slow"]),
        (9.0, InMemory(30 * GIB, 0), []),  # said to be on the CPU
    ],
)
def test_a_model_that_became_as_slow_as_on_a_cpu_is_told(recent, claim, expected):
    reading = Reading(devices=(device(2 * GIB),))

    assert expected == kinds(Case(reading, {"a": claim}, (Pace("a", recent, 100.0, agreed=True),)))


SIZES = st.integers(0, 400 * GIB)
MODELS = st.dictionaries(st.sampled_from("abcdef"), SIZES.map(on_gpu), max_size=6)
NAMES = st.sampled_from(["ollama", "llama-server", "python3", "Xorg", ""])


@given(MODELS, st.floats(HELD_SHARE, 2), st.integers(1, 8), st.lists(st.tuples(SIZES, NAMES)))
def test_where_both_agree_no_fallback_is_ever_reported(claims, share, gpus, others):
    """Whatever else uses the devices: the model server holds what it claims."""
    mine = int(sum(each.vram_bytes for each in claims.values()) * share) + 1
    devices = []
    for index in range(gpus):
        part = mine // gpus + 1
        holders = [(1, part, "ollama"), *((2 + n, *other) for n, other in enumerate(others))]
        used = sum(size for _, size, _ in holders)
        devices.append(device(used, used + GIB, index, holders))

    assert "fallback" not in kinds(Case(Reading(devices=tuple(devices)), claims))


@given(MODELS, st.floats(0, HELD_SHARE * 0.99), st.integers(1, 8), SIZES)
def test_where_they_disagree_it_is_always_reported(claims, share, gpus, foreign):
    total = sum(each.vram_bytes for each in claims.values())
    assume(total >= max(LEAST_BYTES, 100 * gpus))
    devices = []
    for index in range(gpus):
        part = int(total * share) // gpus
        holders = [(1, part, "ollama"), (2, foreign, "python3")]
        devices.append(device(part + foreign, 800 * GIB, index, holders))

    assert ["fallback"] == kinds(Case(Reading(devices=tuple(devices)), claims))
