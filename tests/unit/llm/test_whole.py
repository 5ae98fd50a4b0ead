# SPDX-License-Identifier: Apache-2.0
"""Nothing of a text is left out because it is longer than a model reads."""

import numpy as np
import pytest

from beast_ops.llm import TextError
from beast_ops.llm.ollama import OllamaEmbedder
from beast_ops.llm.whole import embed_whole, halves


class Short:
    """An embedder that reads at most 40 characters: a vector counts two letters."""

    def __init__(self, longest=40):
        self.longest, self.read = longest, []

    def embed_documents(self, texts):
        rows = np.array([[text.count("a"), text.count("b")] for text in texts], np.float32)
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1)
        bad = {n: "no" for n, text in enumerate(texts) if "?" in text}
        long = {n: "too long" for n, text in enumerate(texts) if len(text) > self.longest}
        for n, text in enumerate(texts):
            if n in bad or n in long:
                rows[n] = 0
            else:
                self.read.append(text)
        if bad or long:
            raise TextError({**long, **bad}, rows, set(long) - set(bad))
        return rows


def test_a_long_text_is_read_to_its_end_and_gets_the_mean_of_its_pieces():
    embedder, long = Short(), "a " * 40 + "b " * 40

    whole = embed_whole(embedder, ["a", long, "b"])

    assert {1} == whole.cut
    assert {} == whole.reasons
    assert long in "".join(embedder.read[2:])
    assert np.allclose([[1, 0], [0.7071, 0.7071], [0, 1]], whole.vectors, atol=1e-3)


def test_what_fits_is_not_cut():
    whole = embed_whole(Short(), ["a", "b"])

    assert (frozenset(), {}) == (whole.cut, whole.reasons)


def test_a_piece_that_is_refused_costs_its_text_and_no_other():
    whole = embed_whole(Short(), ["a " * 40 + "?", "b " * 40, "?"])

    assert {0: "no", 2: "no"} == whole.reasons
    assert {1} == whole.cut
    assert [0, 0] == whole.vectors[0].tolist()


def test_a_model_that_finds_everything_too_long_comes_to_an_end():
    whole = embed_whole(Short(longest=0), ["a " * 40])

    assert {0: "too long"} == whole.reasons
    assert frozenset() == whole.cut


@pytest.mark.parametrize("text", ["x" * 100, "two words", "a " * 50, " " * 60, "ü" * 33])
def test_halves_are_the_whole(text):
    one, other = halves(text)

    assert text == one + other
    assert one
    assert other


def test_ollama_says_which_are_merely_long(ollama):
    embedder = OllamaEmbedder(ollama.url, "other:v1")

    whole = embed_whole(embedder, ["short", "word " * 30, "NaN", "more"])

    embedder.close()
    assert {1} == whole.cut
    assert {2} == set(whole.reasons)
