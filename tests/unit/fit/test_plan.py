# SPDX-License-Identifier: Apache-2.0
"""Estimates against published sizes, and the verdicts they lead to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.fit.facts import BITS, COMPUTE, MIB, Facts, Load, read, shrunk
from beast_ops.fit.host import Host
from beast_ops.fit.known import known
from beast_ops.fit.plan import SYSTEM, Change, Part, Room, Verdict, cheapest, judge, placed

GIB = 1024 * MIB
LLAMA = known("llama3.1:8b")
EMBEDDER = known("nomic-embed-text")


def room(ram=None, vram=0, disk=100 * GIB, **said):
    """Return a room with *ram* GiB for models besides what the system takes."""
    return Room(Host(None if ram is None else int(ram * GIB) + SYSTEM, vram, disk), **said)


@pytest.mark.parametrize(
    ("name", "tokens", "gib"),
    [
        # "KV cache size for FP16", https://huggingface.co/blog/llama31#inference-memory-requirements
        ("llama3.1:8b", 1000, 0.125),
        ("llama3.1:8b", 16_000, 1.95),
        ("llama3.1:8b", 128_000, 15.62),
        ("llama3.3:70b", 1000, 0.313),
        ("llama3.3:70b", 16_000, 4.88),
        ("llama3.3:70b", 128_000, 39.06),
    ],
)
def test_the_cache_is_as_big_as_its_makers_published(name, tokens, gib):
    assert pytest.approx(gib, rel=0.025) == known(name).cache(Load(tokens)) / GIB


def test_a_cache_in_q8_0_is_as_big_as_the_log_of_llama_cpp_says():
    # "KV self size = 4352.00 MiB", kv_size 32768, n_layer 64 (ggml-org/llama.cpp#11200)
    assert 4352 * MIB == known("qwen2.5:32b").cache(Load(32768, cache="q8_0"))


@pytest.mark.parametrize(
    ("quantization", "gib"),
    # meta-llama/Llama-3.1-8B in ggml-org/llama.cpp, tools/quantize/README.md
    [("F16", 14.96), ("Q8_0", 7.95), ("Q6_K", 6.14), ("Q5_K_M", 5.33), ("Q4_K_M", 4.58),
     ("Q3_K_S", 3.41), ("Q2_K", 2.95)],
)  # fmt: skip
def test_weights_are_as_big_as_published(quantization, gib):
    huge = replace(LLAMA, weights=10**12)

    assert pytest.approx(gib, rel=0.005) == shrunk(huge, quantization) / GIB


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    # Llama 3.1 as Q4_K_M, in the same README; Phi-4 as huggingface.co/matteogeniaccio/phi-4
    [("llama3.1:8b", 4.9), ("llama3.3:70b", 43.1), ("phi4", 9.05)],
)
def test_the_table_agrees_with_what_others_published(name, gigabytes):
    found = known(name)

    assert pytest.approx(gigabytes, rel=0.01) == found.weights / 1e9
    assert pytest.approx(found.weights, rel=0.02) == found.parameters * BITS["Q4_K_M"] / 8


def test_a_smaller_quantization_is_one_that_is_smaller():
    assert shrunk(LLAMA, "Q8_0") is None
    assert shrunk(replace(LLAMA, parameters=None), "Q2_K") is None


def test_each_request_at_once_has_a_context_of_its_own():
    assert 4 * LLAMA.cache(Load(4096)) == LLAMA.cache(Load(4096, 4))


def test_no_context_is_larger_than_the_model_can_use():
    assert LLAMA.cache(Load(131072)) == LLAMA.cache(Load(10**6))


def test_a_model_takes_weights_cache_and_buffers():
    assert LLAMA.weights + 1024 * MIB + COMPUTE == LLAMA.memory(Load(8192))


def test_a_model_that_keeps_nothing_takes_its_weights():
    assert EMBEDDER.weights == EMBEDDER.memory(Load(8192, 8))


def test_a_cache_of_an_unknown_kind_is_not_guessed():
    assert LLAMA.memory(Load(4096, cache="q3_x")) is None


INFO = {
    "general.architecture": "llama",
    "general.parameter_count": 8_030_261_248,
    "llama.context_length": 131072,
    "llama.block_count": 32,
    "llama.embedding_length": 4096,
    "llama.attention.head_count": 32,
    "llama.attention.head_count_kv": 8,
}


def test_an_architecture_is_read_as_gguf_has_it():
    found = read("llama3.1:8b", 7, INFO, "x")

    assert (LLAMA.numbers, 131072, 8_030_261_248) == (
        found.numbers,
        found.context,
        found.parameters,
    )


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ({"llama.attention.head_count_kv": None}, 32 * 32 * 256),
        ({"llama.attention.key_length": 64, "llama.attention.value_length": 32}, 32 * 8 * 96),
        ({"llama.attention.head_count_kv": [2] * 16 + [4] * 16}, 96 * 256),
        ({"llama.block_count": None}, None),
        ({"llama.embedding_length": None}, None),
        ({"llama.attention.head_count": "32"}, None),
        ({"general.architecture": "nomic-bert"}, 0),
        ({"general.architecture": None}, None),
    ],
)
def test_what_an_architecture_leaves_out_is_derived_or_unknown(said, numbers):
    assert numbers == read("m", 7, {**INFO, **said}, "x").numbers


def test_nothing_is_known_of_most_models():
    assert known("no-such-model") is None
    assert known("llama3.2") is known("llama3.2:3b")


# At a context of 8192, LLAMA takes 6.15 GiB: 4.56 of weights, 1 of cache, 0.59 of buffers.
LOAD = Load(8192)


@pytest.mark.parametrize(
    ("where", "verdict", "short"),
    [
        (room(8, 8 * GIB), Verdict.FITS, ""),
        (room(None, 8 * GIB), Verdict.FITS, ""),
        (room(8, 0), Verdict.CPU, ""),
        (room(8, 4 * GIB), Verdict.CPU, "vram"),
        (room(3, 4 * GIB), Verdict.CPU, "vram"),
        (room(8, None), Verdict.CPU, ""),
        (room(3, 2 * GIB), Verdict.NOT, "memory"),
        (room(3, 0), Verdict.NOT, "memory"),
        (room(3, None), Verdict.UNKNOWN, ""),
        (room(None, 4 * GIB), Verdict.UNKNOWN, ""),
        (room(None, None, None), Verdict.UNKNOWN, ""),
        (room(64, 0, 4 * GIB), Verdict.NOT, "disk"),
        (room(64, 0, None), Verdict.CPU, ""),
        (room(8, 0, others=(Part("qdrant", 3 * GIB),)), Verdict.NOT, "memory"),
        (room(64, 0, limit=4 * GIB), Verdict.NOT, "memory"),
    ],
)
def test_verdicts(where, verdict, short):
    assert (verdict, short) == judge([LLAMA], LOAD, where)


def test_what_is_on_the_disk_already_needs_no_room_there():
    assert Verdict.CPU is judge([replace(LLAMA, here=True)], LOAD, room(64, 0, 0))[0]


def test_models_have_to_fit_together():
    assert Verdict.NOT is judge([LLAMA, LLAMA], LOAD, room(8))[0]
    assert Verdict.CPU is judge([LLAMA, EMBEDDER], LOAD, room(8))[0]


def test_a_model_without_known_architecture_can_be_too_big_and_never_fits():
    strange = Facts("strange", 6 * GIB, None)

    assert Verdict.NOT is judge([strange], LOAD, room(5))[0]
    assert Verdict.UNKNOWN is judge([strange], LOAD, room(64))[0]


@pytest.mark.parametrize(
    ("load", "where", "change"),
    [
        # Fewer at once comes first, and as few fewer as will do.
        (Load(8192, 4), room(7.5), Change(parallel=2)),
        (Load(8192, 4), room(6.5), Change(parallel=1)),
        (Load(8192), room(6), Change(context=4096)),
        (Load(32768), room(6.5), Change(context=8192)),
        # What a smaller context alone does not do, a coarser cache may; both before weights.
        (Load(2048), room(5.35), Change(cache="q8_0")),
        (Load(4096), room(5.3), Change(context=2048, cache="q8_0")),
        (Load(2048, 2), room(5.3), Change(parallel=1, cache="q8_0")),
        (Load(2048), room(4.5), Change(quantization="Q3_K_S")),
        (Load(2048, cache="q8_0"), room(4), Change(quantization="Q2_K")),
        (Load(2048), room(2), None),
        # A GPU that is too small for it all is a reason as well, and none is no reason.
        (Load(8192), room(64, 6 * GIB), Change(context=4096)),
        (Load(8192), room(64), None),
        (Load(8192), room(64, 8 * GIB), None),
        (Load(8192), room(None, None), None),
        # On a disk that is too small nothing helps but smaller weights.
        (Load(8192), room(64, 0, 4 * GIB), Change(quantization="Q3_K_S")),
    ],
)
def test_the_cheapest_change(load, where, change):
    assert change == cheapest([LLAMA], load, where)


# At a context of 8192, LLAMA takes 6.15 GiB, and 0.59 GiB of buffers on each further card.
@pytest.mark.parametrize(
    ("count", "cards", "spread", "found"),
    [
        (1, (8,), False, [(0,)]),
        (1, (8, 7), False, [(1,)]),  # the least room that will do
        (1, (4, 4), False, [(0, 1)]),
        (1, (3, 3), False, None),  # six GiB together, and none of it
        (1, (3.3, 3.3), False, None),  # as one card, it would do
        (1, (8, 8), True, [(0, 1)]),
        (2, (8, 8), False, [(0,), (1,)]),
        (2, (13,), False, [(0,), (0,)]),
        (2, (12,), False, None),
        (2, (8, 7.5), True, [(0, 1), (0, 1)]),
        (3, (8, 8, 4), False, [(0,), (1,), (0, 1, 2)]),
        (3, (8, 8, 3), False, None),
        (1, (), False, None),
    ],
)
def test_a_model_is_on_one_card_or_on_all(count, cards, spread, found):
    models = [replace(LLAMA, name=f"m{number}") for number in range(count)]
    where = placed(models, replace(LOAD, spread=spread), [int(each * GIB) for each in cards])

    assert found == (None if where is None else [where[each.name] for each in models])


@given(
    needs=st.lists(st.integers(1, 20), max_size=5),
    cards=st.lists(st.integers(1, 24), max_size=4),
    spread=st.booleans(),
)
def test_no_card_holds_more_than_it_has(needs, cards, spread):
    """Models that keep nothing take their weights, spread in the proportion of what is free."""
    models = [Facts(f"m{at}", need * GIB, 0) for at, need in enumerate(needs)]
    room = [each * GIB for each in cards]
    where = placed(models, replace(LOAD, spread=spread), room)

    if where is None:
        assert sum(needs) > sum(cards) or not cards or len(needs) > 1
        return
    assert sum(needs) <= sum(cards)
    for at, has in enumerate(room):
        alone = [each.weights for each in models if where[each.name] == (at,)]
        assert sum(alone) <= has


def test_cards_are_judged_one_by_one_where_they_are_known():
    two = Host(64 * GIB, 6 * GIB + 2 * MIB, 100 * GIB)

    assert Verdict.CPU is judge([LLAMA], LOAD, Room(replace(two, cards=(3 * GIB, 3 * GIB))))[0]
    bigger = replace(two, vram=8 * GIB, cards=(4 * GIB, 4 * GIB))
    assert Verdict.FITS is judge([LLAMA], LOAD, Room(bigger))[0]
    # Two models of six GiB do not fit on cards of 8 and 4.5, though there are 12.5.
    odd = replace(two, vram=25 * GIB // 2, cards=(8 * GIB, 9 * GIB // 2))
    other = replace(LLAMA, name="other")
    assert Verdict.FITS is judge([LLAMA, other], LOAD, Room(replace(odd, cards=())))[0]
    assert Verdict.CPU is judge([LLAMA, other], LOAD, Room(odd))[0]


def test_without_a_reranker_is_cheaper_than_another_download():
    judges = replace(EMBEDDER, name="judge:latest", weights=GIB, parameters=None)

    found = cheapest([LLAMA, judges], Load(2048), room(5.5), spare=["judge:latest"])

    assert Change(without="judge:latest") == found
    assert Change(cache="q8_0") == cheapest(
        [LLAMA, judges], Load(2048), room(6.3), ["judge:latest"]
    )
    assert Change(quantization="Q3_K_S") == cheapest([LLAMA, judges], Load(2048), room(5.5))
