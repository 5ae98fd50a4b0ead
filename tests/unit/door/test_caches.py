# SPDX-License-Identifier: Apache-2.0
"""What is remembered of models, shown and forgotten."""

import json

import numpy as np
import pytest

from beast_ops.door.caches import FILE, NEAR, clear, stats
from beast_ops.errors import UsageError
from beast_ops.llm.answers import AnswerCache
from beast_ops.llm.cache import VectorCache
from beast_ops.llm.similar import SimilarCache
from beast_ops.place import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def filled(place):
    with AnswerCache(place.cache / FILE) as cache:
        cache.put(b"a", "text")
        cache.get(b"a"), cache.get(b"b")
    for path in (place.cache / NEAR, place.data / "1/api" / NEAR):
        with SimilarCache(path) as similar:
            similar.put(b"s", [1.0, 0.0], "text")
            similar.find(b"s", [1.0, 0.0], 0.9), similar.find(b"s", [0.0, 1.0], 0.9)
            similar.find(b"t", [1.0, 0.0], 0.9)
    with VectorCache(place.data / "1/knowledge/embeddings.sqlite") as vectors:
        vectors.put({b"k": np.ones(3, np.float32)})
    return place


def shown(capsys, act, *args, **kwargs):
    act(*args, **kwargs, json=True)
    return json.loads(capsys.readouterr().out)


def test_a_look_makes_nothing(place, capsys):
    found = shown(capsys, stats, place)

    assert [0, 0, 0] == [found[kind]["entries"] for kind in ("answers", "similar", "embeddings")]
    assert [] == list(place.root.iterdir())


def test_what_is_there_and_what_was_found_is_shown(filled, capsys):
    found = shown(capsys, stats, filled)

    assert (1, 1, 1, 1000) == tuple(
        found["answers"][name] for name in ("entries", "memory", "missed", "most_entries")
    )
    assert (2, 2, 2, 2, 2, 1000) == tuple(
        found["similar"][name]
        for name in ("entries", "kept", "found", "missed", "far", "most_entries")
    )
    assert 1 == found["embeddings"]["entries"]
    assert found["embeddings"]["bytes"] > 0
    stats(filled, json=False)
    text = capsys.readouterr().out
    assert "answers             1 entries" in text
    assert "Of 2 answers asked for, 1 (50 %) were there." in text
    assert "Of 6 similar ones, 2 were there, 2 not close enough." in text


@pytest.mark.parametrize(
    ("kind", "gone"),
    [
        ("", {"answers": 1, "similar": 2, "embeddings": 1}),
        ("answers", {"answers": 1}),
        ("similar", {"similar": 2}),
        ("embeddings", {"embeddings": 1}),
    ],
)
def test_one_kind_or_all_are_forgotten(filled, capsys, kind, gone):
    assert {"cleared": gone} == shown(capsys, clear, filled, kind)
    assert {"cleared": dict.fromkeys(gone, 0)} == shown(capsys, clear, filled, kind)
    left = shown(capsys, stats, filled)
    assert [each in gone for each in left] == [not left[each]["entries"] for each in left]


def test_it_is_said_for_people_what_went(filled, capsys):
    clear(filled, "answers", json=False)

    assert "answers: 1 forgotten.\n" == capsys.readouterr().out


def test_a_kind_that_is_none_is_refused(place):
    with pytest.raises(UsageError, match="no such cache"):
        clear(place, "vectors", json=False)
