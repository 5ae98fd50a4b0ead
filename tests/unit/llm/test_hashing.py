# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from beast_ops.llm import hashing
from beast_ops.llm.hashing import HashEmbedder

EMBEDDER = HashEmbedder()
WRITTEN_DOWN = [0.0, -0.5547002, 0.2773501, -0.2773501, 0.2773501, 0.5547002, -0.2773501, 0.2773501]


def test_vectors_have_length_one_and_the_dimension_asked_for():
    rows = HashEmbedder(64).embed_documents(["one two", "three"])

    assert (2, 64) == rows.shape
    assert np.float32 == rows.dtype
    assert np.allclose(1.0, np.linalg.norm(rows, axis=1))


def test_the_answer_is_the_same_on_every_machine():
    row = HashEmbedder(8).embed_query(
        "an answer that is the same everywhere, whatever the machine is"
    )

    assert pytest.approx(WRITTEN_DOWN, abs=1e-6) == row


def test_words_count_and_neither_order_nor_case_nor_punctuation():
    first, second, third = EMBEDDER.embed_documents(
        ["The quick brown fox", "fox, brown; QUICK the!", "something else entirely"]
    )

    assert np.array_equal(first, second)
    assert first @ second > first @ third


def test_texts_that_share_words_are_closer():
    question = np.array(EMBEDDER.embed_query("how do I restore a backup"))
    right, wrong = EMBEDDER.embed_documents(
        ["restore the backup with this command", "the weather is fine today"]
    )

    assert question @ right > question @ wrong + 0.3


def test_a_text_without_words_has_a_direction_too():
    rows = EMBEDDER.embed_documents(["", " .,;", "word"])

    assert np.array_equal(rows[0], rows[1])
    assert np.allclose(1.0, np.linalg.norm(rows, axis=1))


def test_no_texts_are_no_rows():
    assert (0, 384) == EMBEDDER.embed_documents([]).shape


@given(some.lists(some.text(max_size=60), min_size=1, max_size=8), some.integers(1, 64))
def test_a_text_has_the_same_vector_whatever_it_comes_with(texts, block):
    alone = np.array([EMBEDDER.embed_query(text) for text in texts])

    before, hashing.BLOCK_BYTES = hashing.BLOCK_BYTES, block
    try:
        in_blocks = EMBEDDER.embed_documents(texts)
    finally:
        hashing.BLOCK_BYTES = before

    assert np.allclose(alone, in_blocks, atol=1e-6)
    assert np.allclose(alone, EMBEDDER.embed_documents(texts), atol=1e-6)
