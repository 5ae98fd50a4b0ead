# SPDX-License-Identifier: Apache-2.0
"""The registry of models: what is registered is found again, whole or not at all."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from beast_ops.errors import MissingError, UsageError
from beast_ops.models.catalogue import catalogue, mark
from beast_ops.models.entry import Entry, Size
from beast_ops.models.find import CANDIDATES, Wanted
from beast_ops.models.portable import bring_in, export
from beast_ops.models.registry import Registry, open_registry
from beast_ops.place import Place

GIGA = 10**9


@pytest.fixture
def registry(tmp_path):
    with Registry(tmp_path / "registry.sqlite") as opened:
        yield opened


def entry(name, /, **values):
    return Entry(id=name, **values)


def sized(name, giga, /, **values):
    return entry(name, sizes=(Size(bytes=round(giga * GIGA)),), **values)


def ids(registry, *args, **kwargs):
    return [each.id for each in registry.search(Wanted(*args, **kwargs))]


def test_what_is_registered_comes_back_as_it_was(registry):
    full = entry(
        "tiny:1b",
        name="Tiny",
        family="llama",
        parameters=10**9,
        context=4096,
        sizes=(Size(quantization="Q4_K_M", bytes=7, source="s"),),
        tasks=("chat", "code"),
        tags=("Fast",),
        scores={"MMLU": 50.5},
        rating=4.5,
        sources={"context": "somewhere"},
    )
    registry.register([full])

    assert full == registry.get("tiny:1b")
    registry.register([entry("tiny:1b")])
    assert entry("tiny:1b") == registry.get("tiny:1b")
    assert [] == ids(registry, tags=("fast",))


def test_the_newest_is_meant_without_a_tag(registry):
    registry.register([entry("tiny:latest"), entry("tiny:1b")])

    assert "tiny:latest" == registry.get("tiny").id


def test_what_is_not_known_is_told(registry):
    for act in (registry.get, registry.remove):
        with pytest.raises(MissingError, match="does not know"):
            act("none")


def test_words_are_found_wherever_they_stand_and_names_come_first(registry):
    registry.register(
        [
            entry("other", description="a llama among others"),
            entry("llama3.2:3b", family="llama"),
            entry("code-llama", tags=("code",)),
            entry("x", author="Ünïted Makers"),
        ]
    )

    assert ["code-llama", "llama3.2:3b", "other"] == ids(registry, "llama")
    assert ["llama3.2:3b"] == ids(registry, "LLAMA3.2:3B")
    assert ["llama3.2:3b"] == ids(registry, "llama3")
    assert ["code-llama"] == ids(registry, "lla cod")
    assert ["x"] == ids(registry, "united mak")
    assert [] == ids(registry, "llama nothing")


@pytest.mark.parametrize(
    "text", ['"', "a OR b", "NEAR(", "id : x", "*", "-", "'; DROP TABLE models"]
)
def test_no_text_means_anything_to_the_index(registry, text):
    registry.register([entry("x")])

    assert [] == ids(registry, text)
    assert [] == ids(registry, "x", family=text, tags=(text,))


def test_family_tags_and_sizes_narrow_a_search(registry):
    registry.register(
        [
            sized("small", 2, family="qwen", tags=("code", "long context"), parameters=3 * GIGA),
            sized("large", 40, family="qwen", tags=("code",), parameters=70 * GIGA),
            entry("unknown", family="qwen", tags=("code",)),
            sized("other", 1, family="phi", tasks=("code",)),
        ]
    )

    assert ["large", "small", "unknown"] == ids(registry, family="qwen")
    assert ["large", "other", "small", "unknown"] == sorted(ids(registry, tags=("CODE",)))
    assert ["small"] == ids(registry, tags=("code", "long context"))
    assert [] == ids(registry, tags=("long",))
    assert ["small"] == ids(registry, family="qwen", most_bytes=2 * GIGA)
    assert [] == ids(registry, family="qwen", most_bytes=2 * GIGA - 1)
    assert ["small"] == ids(registry, "code", most_parameters=3 * GIGA)
    assert ["other", "small"] == sorted(ids(registry, most_bytes=3 * GIGA))


def test_the_better_rated_come_first_and_no_more_than_wanted(registry):
    registry.register(entry(f"model-{number}", rating=number / 2) for number in range(11))

    assert ["model-10", "model-9"] == ids(registry, "model", limit=2)
    assert ["model-10", "model-9"] == ids(registry, limit=2)


def test_more_than_can_be_weighed_are_found_all_the_same(registry):
    registry.register(entry(f"m{number}:common") for number in range(CANDIDATES + 50))

    assert CANDIDATES + 20 == len(ids(registry, "common", limit=CANDIDATES + 20))
    assert [f"m{CANDIDATES + 9}:common"] == ids(registry, f"m{CANDIDATES + 9} common")


def test_all_are_registered_or_none(registry):
    def some():
        yield entry("first")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        registry.register(some())
    assert [] == ids(registry) == list(registry.all())


@pytest.mark.parametrize(
    "values",
    [
        *[{"id": ""}, {"id": "../up"}, {"id": "a" * 201}, {"family": "none"}, {"rating": 5.1}],
        *[{"parameters": 0}, {"context": 1 << 62}, {"tasks": ("fly",)}, {"sha256": "x"}],
        *[{"unknown": 1}, {"tags": ("",)}, {"parameters": "7"}],
    ],
)
def test_an_entry_that_makes_no_sense_is_refused(values):
    with pytest.raises(ValidationError):
        Entry(**{"id": "x", **values})


def test_what_is_carried_out_can_be_carried_in(registry, tmp_path):
    registry.seed(catalogue, mark())
    registry.register([sized("mine", 1, tags=("a",))])
    with Registry(tmp_path / "other.sqlite") as other:
        assert 1 == bring_in(other, export(registry), "x")
        assert [registry.get("mine")] == list(other.all())
        assert len(catalogue()) + 1 == bring_in(other, export(registry, everything=True), "x")
        assert list(registry.all()) == list(other.all())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "JSON"),
        (b'{"version": 2, "models": []}', "version 2"),
        (b'{"models": []}', "version"),
        (b'{"version": 1, "models": [{"id": "x"}, {"id": "y", "family": 1}]}', "models.1.family"),
    ],
)
def test_what_is_no_list_of_models_is_refused_whole(registry, content, why):
    with pytest.raises(UsageError, match=why):
        bring_in(registry, content, "file.json")
    assert [] == list(registry.all())


def test_the_catalogue_comes_with_the_registry_and_changes_nothing_of_ours(tmp_path):
    place = Place(tmp_path)
    with open_registry(place) as registry:
        registry.register([entry("llama3.2:3b", name="ours")])
        registry.remove("qwen2:7b")
        registry.register([entry("old:1b")], "catalogue")
    with open_registry(place) as registry:
        assert "ours" == registry.get("llama3.2:3b").name
        with pytest.raises(MissingError):
            registry.get("qwen2:7b")  # removed, until there is another catalogue
        registry.seed(catalogue, "a newer one")
        assert "ours" == registry.get("llama3.2:3b").name
        assert "qwen2:7b" == registry.get("qwen2:7b").id
        with pytest.raises(MissingError):
            registry.get("old:1b")


def test_the_catalogue_is_large_and_every_number_has_its_source():
    models = catalogue()

    assert len(models) >= 40
    assert len(models) == len({each.id for each in models})
    for each in models:
        assert each.tasks
        for name in ("parameters", "context", "license"):
            known = getattr(each, name) not in (None, "")
            assert known == each.sources.get(name, "").startswith("https://"), (each.id, name)
        assert (each.cache is not None) == ("cache" in each.sources), each.id
        assert {f"scores.{name}" for name in each.scores} <= each.sources.keys()
        assert all(way.source.startswith("https://") for way in each.sizes)
        assert {task for each in models for task in each.tasks} == {
            *("chat", "code", "image", "embedding", "speech")
        }


def test_sizes_in_the_catalogue_agree_with_parameters_and_quantisation():
    """Four bits take half a byte a parameter and more, sixteen take two and a little."""
    bits = {"F16": (15.5, 18), "BF16": (15.5, 18), "Q8_0": (8, 10), "Q6_K": (6, 8)}
    bits |= {"Q4_K_M": (4.3, 7), "Q2_K": (2.3, 5)}
    judged = 0
    for each in catalogue():
        for way in each.sizes:
            if way.quantization in bits and each.parameters and each.parameters > 3 * GIGA:
                low, high = bits[way.quantization]
                assert low <= way.bytes * 8 / each.parameters <= high, (each.id, way)
                judged += 1

    assert judged > 10


def test_killed_at_any_statement_a_write_is_there_whole_or_not_at_all(tmp_path, rounds, seed):
    script = Path(__file__).with_name("killed_registry.py")
    stride = rounds(9, 1)
    done = subprocess.run(
        [sys.executable, script, tmp_path, str(seed % stride), str(stride)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )

    assert "" == done.stderr
    assert json.loads(done.stdout)["last"] > 15
