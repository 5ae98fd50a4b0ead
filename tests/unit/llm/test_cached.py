# SPDX-License-Identifier: Apache-2.0
"""No vector is made twice, and no vector is taken for that of another model."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from beast_ops.errors import UnavailableError
from beast_ops.llm import TextError
from beast_ops.llm.cache import VectorCache
from beast_ops.llm.cached import CachedEmbedder
from beast_ops.llm.ollama import OllamaEmbedder
from beast_ops.llm.prefixes import Prefixes


class Counting:
    """An embedder that remembers what it was asked for."""

    name, model, dimension, prefixes = "counting", "m", 2, Prefixes()

    def __init__(self, weights="w1"):
        self.weights, self.asked, self.gate = weights, [], threading.Event()
        self.gate.set()
        self.fails = None

    def identity(self):
        return self.weights

    def embed_documents(self, texts):
        self.asked.append(list(texts))
        assert self.gate.wait(20)
        if self.fails:
            raise self.fails
        rows = np.array([[len(text), 1.0] for text in texts], np.float32)
        if bad := {n: f"bad {text}" for n, text in enumerate(texts) if "!" in text}:
            raise TextError(bad, rows, [n for n in bad if "long" in texts[n]])
        return rows

    def embed_query(self, text):
        return [float(len(text)), 1.0]

    def close(self):
        pass


@pytest.fixture
def cache(tmp_path):
    with VectorCache(tmp_path / "embeddings.sqlite") as opened:
        yield opened


def lengths(rows):
    return [int(row[0]) for row in rows]


def test_what_was_embedded_is_not_embedded_again_and_comes_in_its_place(cache):
    first, second = Counting(), Counting()
    CachedEmbedder(first, cache).embed_documents(["a", "bb"])

    embedder = CachedEmbedder(second, cache)
    rows = embedder.embed_documents(["bb", "ccc", "a"])

    assert [2, 3, 1] == lengths(rows)
    assert [["ccc"]] == second.asked
    assert (1, 2) == (embedder.made, embedder.spared)


def test_equal_texts_of_a_batch_are_embedded_once(cache):
    inner = Counting()

    rows = CachedEmbedder(inner, cache).embed_documents(["a", "bb", "a", "a"])

    assert [1, 2, 1, 1] == lengths(rows)
    assert [["a", "bb"]] == inner.asked


def test_equal_texts_of_batches_at_the_same_time_are_embedded_once(cache):
    inner = Counting()
    embedder = CachedEmbedder(inner, cache)
    inner.gate.clear()
    with ThreadPoolExecutor(4) as pool:
        batches = [["same", "x"], ["y", "same"], ["same"], ["x", "y", "same"]]
        waiting = [pool.submit(embedder.embed_documents, batch) for batch in batches]
        while sum(map(len, inner.asked)) < 3:
            pass
        inner.gate.set()
        rows = [each.result(20) for each in waiting]

    assert [[4, 1], [1, 4], [4], [1, 1, 4]] == [lengths(each) for each in rows]
    assert ["same", "x", "y"] == sorted(text for batch in inner.asked for text in batch)


def test_many_threads_get_the_right_vectors(cache):
    inner = Counting()
    embedder = CachedEmbedder(inner, cache)
    words = ["w" * (number % 37 + 1) for number in range(2000)]
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(embedder.embed_documents, (words[n : n + 20] for n in range(0, 2000, 20)))
        )

    assert [len(word) for word in words] == [size for rows in found for size in lengths(rows)]
    assert 37 == sum(map(len, inner.asked))


def test_weights_pulled_anew_under_the_same_name_miss(cache):
    CachedEmbedder(Counting("w1"), cache).embed_documents(["a"])
    again = Counting("w2")

    CachedEmbedder(again, cache).embed_documents(["a"])

    assert [["a"]] == again.asked


def test_what_was_made_while_the_weights_changed_is_not_kept(cache):
    inner = Counting("w1")
    embedder = CachedEmbedder(inner, cache)
    inner.weights = "w2"
    embedder.embed_documents(["a"])
    embedder.embed_documents(["a"])
    embedder.embed_documents(["a"])

    assert [["a"], ["a"]] == inner.asked
    old = Counting("w1")
    CachedEmbedder(old, cache).embed_documents(["a"])
    assert [["a"]] == old.asked


def test_a_model_nobody_knows_the_digest_of_is_asked_each_time(cache):
    inner = Counting(None)
    embedder = CachedEmbedder(inner, cache)
    embedder.embed_documents(["a"])
    embedder.embed_documents(["a"])

    assert [["a"], ["a"]] == inner.asked
    assert (2, 0) == (embedder.made, embedder.spared)


def test_a_refused_text_is_named_at_each_of_its_places_and_asked_again(cache):
    inner = Counting()
    embedder = CachedEmbedder(inner, cache)

    for _ in range(2):
        with pytest.raises(TextError) as refused:
            embedder.embed_documents(["a", "b!", "long!", "b!"])
        assert {1: "bad b!", 2: "bad long!", 3: "bad b!"} == refused.value.reasons
        assert {2} == refused.value.long
        assert [1, 0, 0, 0] == lengths(refused.value.vectors)
    assert [["a", "b!", "long!"], ["b!", "long!"]] == inner.asked


def test_a_failure_reaches_all_who_wait_and_is_not_remembered(cache):
    inner = Counting()
    embedder = CachedEmbedder(inner, cache)
    inner.fails = UnavailableError("away")
    inner.gate.clear()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(embedder.embed_documents, ["a"]) for _ in range(2)]
        while not inner.asked:
            pass
        inner.gate.set()
        for each in waiting:
            with pytest.raises(UnavailableError):
                each.result(20)
    inner.fails = None

    assert [1] == lengths(embedder.embed_documents(["a"]))


def test_the_identity_at_ollama_is_digest_and_prefix_not_the_name(ollama):
    embedder = OllamaEmbedder(ollama.url, "nomic-embed-text")
    ollama.digests["nomic-embed-text:latest"] = "d1"
    before = embedder.identity()
    ollama.digests["nomic-embed-text:latest"] = "d2"

    assert "d1\0search_document: " == before
    assert "d2\0search_document: " == embedder.identity()
    ollama.models.clear()
    assert embedder.identity() is None
    embedder.close()


def test_it_is_what_it_stands_for(cache):
    embedder = CachedEmbedder(Counting(), cache)

    assert ("counting", "m", 2) == (embedder.name, embedder.model, embedder.dimension)
    assert Prefixes() == embedder.prefixes
    assert "w1" == embedder.identity()
    assert [3.0, 1.0] == embedder.embed_query("abc")
    embedder.close()
