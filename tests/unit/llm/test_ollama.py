# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from beast_ops.errors import MissingError, ServiceError, UnavailableError
from beast_ops.llm import TextError
from beast_ops.llm.ollama import ATTEMPTS, BATCH, OllamaEmbedder
from beast_ops.llm.prefixes import prefixes_of
from beast_ops.testing import Canned, free_port


@pytest.fixture
def embedder(ollama):
    made = OllamaEmbedder(ollama.url, "nomic-embed-text", patience=5)
    yield made
    made.close()


def test_texts_become_rows_in_their_order(embedder):
    rows = embedder.embed_documents(["a", "bcd"])

    assert (2, 3) == rows.shape
    assert np.float32 == rows.dtype
    assert rows[0, 0] < rows[1, 0]
    assert 3 == embedder.dimension


def test_documents_and_questions_carry_what_the_model_wants_before_them(embedder, ollama):
    embedder.embed_documents(["a"])
    embedder.embed_query("b")

    assert [["search_document: a"], ["search_query: b"]] == ollama.batches


@pytest.mark.parametrize(
    ("model", "prefix"),
    [
        ("nomic-embed-text:v1.5", "search_query: "),
        ("someone/Nomic-Embed-Text", "search_query: "),
        ("all-minilm", ""),
        ("nomic", ""),
    ],
)
def test_prefixes_are_found_by_the_name_of_the_model(model, prefix):
    assert prefix == prefixes_of(model).query


def test_many_texts_go_in_batches(embedder, ollama):
    rows = embedder.embed_documents([str(number) for number in range(BATCH * 2 + 1)])

    assert [BATCH, BATCH, 1] == [len(batch) for batch in ollama.batches]
    assert BATCH * 2 + 1 == len(rows)


def test_no_texts_are_no_request(embedder, ollama):
    assert 0 == len(embedder.embed_documents([]))
    assert [] == ollama.batches


@pytest.mark.parametrize(
    ("bad", "reason"), [("x" * 200, "too long for the model"), ("a NaN", "unsupported value: NaN")]
)
def test_a_bad_text_costs_only_itself(embedder, bad, reason):
    texts = [f"text {number}" for number in range(40)]
    texts[5] = texts[33] = bad

    with pytest.raises(TextError) as refused:
        embedder.embed_documents(texts)

    assert {5, 33} == set(refused.value.reasons)
    assert all(reason in why for why in refused.value.reasons.values())
    rows = refused.value.vectors
    assert (40, 3) == rows.shape
    assert {5, 33} == set(np.flatnonzero(~rows.any(axis=1)))


def test_a_batch_of_nothing_but_bad_texts_has_no_vectors(embedder):
    with pytest.raises(TextError, match="too long") as refused:
        embedder.embed_documents(["x" * 200])

    assert 1 == len(refused.value.vectors)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(embedder, ollama, status):
    ollama.failures = [Canned({"error": "server busy, please try again"}, status)] * 2

    assert 1 == len(embedder.embed_documents(["a"]))
    assert 3 == len(ollama.batches)


def test_documents_wait_for_a_server_that_is_busy_longer_than_questions_do(embedder, ollama):
    busy = Canned({"error": "loading model"}, 503)
    ollama.failures = [busy] * (ATTEMPTS + 1)

    assert 1 == len(embedder.embed_documents(["a"]))

    ollama.failures = [busy] * (ATTEMPTS + 1)
    with pytest.raises(UnavailableError, match="loading model"):
        embedder.embed_query("a")


def test_a_server_that_is_gone_is_unavailable():
    embedder = OllamaEmbedder(f"http://127.0.0.1:{free_port()}", "m", patience=0.2)

    with pytest.raises(UnavailableError, match="the model server does not answer"):
        embedder.embed_query("a")
    embedder.close()


def test_a_server_that_fails_on_everything_is_at_fault_itself(embedder, ollama):
    ollama.failures = [Canned({"error": "llama runner has terminated"}, 500)] * 20

    with pytest.raises(ServiceError, match="llama runner has terminated"):
        embedder.embed_documents(["a", "b"])


def test_a_model_that_is_missing_is_named_with_how_to_get_it(ollama):
    embedder = OllamaEmbedder(ollama.url, "absent")

    with pytest.raises(MissingError) as missing:
        embedder.embed_query("a")

    assert "absent" == missing.value.subject
    assert "ollama pull absent" in missing.value.hint
    embedder.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Canned({"error": "invalid input type"}, 400), "400: invalid input type"),
        (Canned(b"<html>", 401), "401: Unauthorized"),
        (Canned(b"not json"), "sent no vectors that fit"),
        (Canned({"embeddings": []}), "sent no vectors that fit"),
        (Canned({"embeddings": [[1.0], [1.0, 2.0]]}), "sent no vectors that fit"),
        (Canned({"models": []}), "sent no vectors that fit"),
    ],
)
def test_what_is_refused_or_makes_no_sense_is_not_tried_again(embedder, ollama, answer, reason):
    ollama.failures = [answer]

    with pytest.raises(ServiceError, match=reason):
        embedder.embed_documents(["a", "b"])

    assert 1 == len(ollama.batches)
