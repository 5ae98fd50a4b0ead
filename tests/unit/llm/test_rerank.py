# SPDX-License-Identifier: Apache-2.0
"""Rerankers: a real cross-encoder from disk, and a chat model that may answer anything."""

import json
import time

import pytest

from beast_ops.errors import BeastError, MissingError, ServiceError, SettingsError, UnavailableError
from beast_ops.llm.rerank import AT_ONCE, CHARACTERS, OllamaReranker, reranker_for
from beast_ops.testing import Canned, fake_service, free_port
from tests import tiny_models

PASSAGES = ["the sun", "dog cat and moon", "a cat", "cat dog cat"]


def test_a_cross_encoder_from_disk_reads_question_and_passage_together(tmp_path):
    tiny_models.cross_encoder(tmp_path / "cross")
    reranker = reranker_for("fastembed", "cross", None, str(tmp_path))

    scores = reranker.score("cat or dog", PASSAGES, 10)

    assert (0, 2, 1, 3) == scores.values
    assert 0 == scores.cut
    assert "fastembed cross" == reranker.title
    reranker.close()
    assert scores == reranker.score("cat or dog", PASSAGES, 10)


def test_what_a_cross_encoder_does_not_read_whole_is_counted(tmp_path):
    tiny_models.cross_encoder(tmp_path / "cross", longest=12)
    reranker = reranker_for("fastembed", "cross", None, str(tmp_path))

    scores = reranker.score("cat", ["sun " * 8 + "cat", "cat", "sun " * 30 + "cat"], 10)

    assert ((0, 1, 0), 2) == (scores.values, scores.cut)


@pytest.mark.parametrize("gone", ["tokenizer.json", "tokenizer_config.json", "onnx/model.onnx"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path, gone):
    tiny_models.cross_encoder(tmp_path / "cross")
    (tmp_path / "cross" / gone).unlink()

    with pytest.raises(SettingsError, match=gone):
        reranker_for("fastembed", "cross", None, str(tmp_path))


@pytest.mark.parametrize(
    ("kind", "model", "url"),
    [("none", "", None), ("ollama", "", "http://x"), ("ollama", "m", None), ("strange", "m", None)],
)
def test_what_is_not_set_is_named_with_the_setting(kind, model, url):
    with pytest.raises(SettingsError) as refused:
        reranker_for(kind, model, url, "")
    assert "beast_api_rerank" in refused.value.hint


def said(content, status=200):
    return Canned({"message": {"role": "assistant", "content": content}}, status)


class Chat:
    """A chat model that scores by the words `cat`, and keeps what it was asked."""

    def __init__(self, answer=None, seconds=0.0):
        self.asked, self.answer, self.seconds = [], answer, seconds

    def __call__(self, asked):
        body = json.loads(asked.body)
        self.asked.append(body)
        time.sleep(self.seconds)
        if self.answer is not None:
            return self.answer
        passage = body["messages"][0]["content"].rpartition("Passage:\n")[2]
        return said(json.dumps({"relevance": passage.count("cat")}))


@pytest.fixture
def scored():
    def scoring(chat, passages=PASSAGES, seconds=10.0):
        with fake_service({"/api/chat": chat}) as server:
            reranker = OllamaReranker(server.address, "judge")
            try:
                return reranker.score("Which cat?", passages, seconds)
            finally:
                reranker.close()

    return scoring


def test_a_chat_model_scores_each_passage_always_in_the_same_way(scored):
    chat = Chat()

    assert (0, 1, 1, 2) == scored(chat).values
    body = chat.asked[0]
    assert (0, 0) == (body["options"]["temperature"], body["options"]["seed"])
    assert body["stream"] is False
    assert ["relevance"] == body["format"]["required"]
    assert len(PASSAGES) == len(chat.asked)


def test_of_a_huge_passage_the_beginning_is_shown_and_that_is_counted(scored):
    chat = Chat()

    scores = scored(chat, ["x" * CHARACTERS + " cat", "cat"])

    assert ((0, 1), 1) == (scores.values, scores.cut)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (said("ten"), ServiceError),
        (said('{"relevance": 11}'), ServiceError),
        (said('{"relevance": -1}'), ServiceError),
        (said('{"relevance": "3"}'), ServiceError),
        (said('{"relevance": true}'), ServiceError),
        (said('{"relevance": 1e999}'), ServiceError),
        (said("[1]"), ServiceError),
        (said('{"score": 3}'), ServiceError),
        (said(""), ServiceError),
        (said(None), ServiceError),
        (Canned({}), ServiceError),
        (Canned([]), ServiceError),
        (Canned(b"<html>"), ServiceError),
        (Canned({"error": "model not found"}, 404), MissingError),
        (Canned({"error": "busy"}, 503), UnavailableError),
        (Canned({"error": "no"}, 400), ServiceError),
    ],
)
def test_an_answer_that_is_no_score_is_an_error(scored, answer, error):
    with pytest.raises(error):
        scored(Chat(answer))


def test_a_slow_chat_model_is_not_asked_after_the_deadline(scored):
    chat = Chat(seconds=0.3)
    begun = time.monotonic()

    with pytest.raises(BeastError):
        scored(chat, ["cat"] * 40, seconds=0.5)
    took, asked = time.monotonic() - begun, len(chat.asked)

    assert took < 3
    assert asked <= 3 * AT_ONCE


def test_a_server_that_is_away_is_an_error():
    reranker = OllamaReranker(f"http://127.0.0.1:{free_port()}", "judge")

    with pytest.raises(UnavailableError):
        reranker.score("q", ["p"], 5)
    reranker.close()
