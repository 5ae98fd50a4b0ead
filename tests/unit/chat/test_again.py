# SPDX-License-Identifier: Apache-2.0
"""Answers that are given again: only from the very same passages, and never without a mark."""

import asyncio
from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.chat.again import Again
from beast_ops.chat.answer import Answerer, Begun, Ended, Wish
from beast_ops.chat.model import Question
from beast_ops.chat.writer import Writer
from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.llm.chat import ChatServer, Turn
from beast_ops.llm.hashing import HashEmbedder
from beast_ops.llm.remembered import Digests
from beast_ops.llm.similar import SimilarCache
from beast_ops.llm.testing import WRITES, fake_ollama
from beast_ops.search.model import Answer, Hit

HITS = (
    Hit(1.0, "c1", "file://host/docs/keys.md", "Rotate once a year.", {"path": "/docs/keys.md"}),
    Hit(0.9, "c2", "file://host/docs/cats.md", "Cats sleep.", {"path": "/docs/cats.md"}),
)
ASKED = Question("What is the master key for?", "docs", options={"temperature": 0})
AGAIN = replace(ASKED, text="Please, what is the master key for")


@pytest.fixture
def ollama():
    with fake_ollama() as double:
        double.answer = lambda _: ["Once a ", "year [", "1]", "; more [7]."]
        yield double


async def embed(_collection, text):
    return HashEmbedder(64).embed_query(text)


def answers(url, tmp_path, *asked, way=embed, least=0.9):
    """Return all events for each of *asked*: a question, or a pair of it and what is found."""

    async def main(cache):
        async with http.async_client(url, seconds=10) as client:
            server, told = ChatServer(client), []
            again = Again(cache, way, Digests(server).of, lambda: least)
            for each in asked:
                question, hits = each if isinstance(each, tuple) else (each, HITS)

                async def search(query, options, hits=hits):
                    return Answer(query, options.collection, "hybrid", hits, 0.0)

                answerer = Answerer(search, Writer(server), lambda: Wish("", 4096), again)
                told.append([event async for event in answerer.answer(question)])
            return told

    with SimilarCache(tmp_path / "s") as cache:
        return asyncio.run(main(cache))


def text(events):
    return "".join(each for each in events if isinstance(each, str))


def test_the_same_question_put_otherwise_gets_the_same_answer_with_a_mark(ollama, tmp_path):
    first, second = answers(ollama.url, tmp_path, ASKED, AGAIN)

    assert 1 == len(ollama.asked)
    assert text(first) == text(second)
    assert text(second).startswith("Once a year [1]; more.\n\n**Sources**")
    begun, ended = second[0], second[-1]
    assert isinstance(begun, Begun)
    assert isinstance(ended, Ended)
    assert first[0].similarity is None
    assert 0.9 <= begun.similarity < 1
    assert "This answer was made for a similar question (9" in begun.note
    assert first[0].passages == begun.passages
    assert ([1], 1) == (list(ended.cited), ended.removed)
    assert (0, 0) == (ended.ending.prompt_tokens, ended.ending.answer_tokens)


@pytest.mark.parametrize(
    "other",
    [
        replace(AGAIN, collection="others"),
        replace(AGAIN, manner="Be brief."),
        replace(AGAIN, history=(Turn("user", "Hi"),)),
        replace(AGAIN, options={"temperature": 0, "seed": 1}),
        replace(AGAIN, options={"temperature": 0.5}),
        replace(AGAIN, options={}),
        replace(AGAIN, text="Please, what is the other key for"),
        (AGAIN, HITS[:1]),
        (AGAIN, HITS[::-1]),
        (AGAIN, (replace(HITS[0], text="Rotate twice a year."), HITS[1])),
        (AGAIN, (replace(HITS[0], source="file://host/docs/other.md"), HITS[1])),
    ],
)
def test_whatever_else_differs_is_asked(ollama, tmp_path, other):
    _, second = answers(ollama.url, tmp_path, ASKED, other)

    assert 2 == len(ollama.asked)
    assert second[0].similarity is None


def test_an_answer_that_broke_off_is_not_kept(ollama, tmp_path):
    ollama.broken = 2
    with pytest.raises(ServiceError, match="unexpectedly stopped"):
        answers(ollama.url, tmp_path, ASKED)
    ollama.broken = None

    [second] = answers(ollama.url, tmp_path, AGAIN)

    assert 2 == len(ollama.asked)
    assert second[0].similarity is None


def test_an_answer_that_ran_out_of_tokens_is_not_kept(ollama, tmp_path):
    ollama.reason = "length"
    answers(ollama.url, tmp_path, ASKED)
    ollama.reason = "stop"

    answers(ollama.url, tmp_path, AGAIN)

    assert 2 == len(ollama.asked)


def test_switched_off_or_without_vectors_each_is_asked(ollama, tmp_path):
    async def away(_collection, _text):
        raise UnavailableError("away")

    answers(ollama.url, tmp_path, ASKED, AGAIN, least=0)
    answers(ollama.url, tmp_path, ASKED, AGAIN, way=away)

    assert 4 == len(ollama.asked)


def test_other_weights_are_asked(ollama, tmp_path):
    answers(ollama.url, tmp_path, ASKED)
    ollama.digests[WRITES] = "1" * 64

    answers(ollama.url, tmp_path, AGAIN)

    assert 2 == len(ollama.asked)


def test_an_answer_of_weights_that_changed_meanwhile_is_not_kept(ollama, tmp_path, monkeypatch):
    monkeypatch.setattr("beast_ops.llm.remembered.FRESH_SECONDS", -1.0)

    def answer(_):
        ollama.digests[WRITES] = "1" * 64
        return ["Yes [1]."]

    ollama.answer = answer
    answers(ollama.url, tmp_path, ASKED, AGAIN, ASKED)

    assert 2 == len(ollama.asked)  # the second answer is the other weights' own


def test_what_searches_elsewhere_gives_nothing_again(ollama, tmp_path):
    """A notebook sees what its sources are: it answers anew, whatever was said elsewhere."""

    async def search(query, options):
        return Answer(query, options.collection, "hybrid", HITS, 0.0)

    async def main(cache):
        async with http.async_client(ollama.url, seconds=10) as client:
            server = ChatServer(client)
            again = Again(cache, embed, Digests(server).of, lambda: 0.9)
            answerer = Answerer(search, Writer(server), lambda: Wish("", 4096), again)
            for each in (answerer, answerer.through(search)):
                begun, *_ = [event async for event in each.answer(ASKED)]
                assert begun.similarity is None

    with SimilarCache(tmp_path / "s") as cache:
        asyncio.run(main(cache))

    assert 2 == len(ollama.asked)
