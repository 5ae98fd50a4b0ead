# SPDX-License-Identifier: Apache-2.0
"""What is remembered of models, shown and forgotten."""

import json

import numpy as np
import pytest

from beast_ops.door.caches import FILE, clear, stats
from beast_ops.errors import UsageError
from beast_ops.llm.answers import AnswerCache
from beast_ops.llm.cache import VectorCache
from beast_ops.place import Place


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


@pytest.fixture
def filled(place):
    with AnswerCache(place.cache / FILE) as cache:
        cache.put(b"a", "text")
        cache.get(b"a"), cache.get(b"b")
    with VectorCache(place.data / "1/knowledge/embeddings.sqlite") as vectors:
        vectors.put({b"k": np.ones(3, np.float32)})
    return place


def shown(capsys, act, *args, **kwargs):
    act(*args, **kwargs, json=True)
    return json.loads(capsys.readouterr().out)


def test_a_look_makes_nothing(place, capsys):
    found = shown(capsys, stats, place)

    assert (0, 0) == (found["answers"]["entries"], found["embeddings"]["entries"])
    assert [] == list(place.root.iterdir())


def test_what_is_there_and_what_was_found_is_shown(filled, capsys):
    found = shown(capsys, stats, filled)

    assert (1, 1, 1, 1000) == tuple(
        found["answers"][name] for name in ("entries", "memory", "missed", "most_entries")
    )
    assert 1 == found["embeddings"]["entries"]
    assert found["embeddings"]["bytes"] > 0
    stats(filled, json=False)
    text = capsys.readouterr().out
    assert "answers             1 entries" in text
    assert "Of 2 answers asked for, 1 (50 %) were there." in text


@pytest.mark.parametrize(
    ("kind", "gone"),
    [
        ("", {"answers": 1, "embeddings": 1}),
        ("answers", {"answers": 1}),
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
