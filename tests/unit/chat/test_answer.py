# SPDX-License-Identifier: Apache-2.0
"""An answer from end to end, with a model server that is a double."""

import asyncio

import pytest

from beast_ops import http
from beast_ops.chat.answer import NOTHING, Answerer, Begun, Ended, Wish
from beast_ops.chat.model import Question
from beast_ops.chat.writer import FRESH_SECONDS, Writer
from beast_ops.errors import ConflictError, MissingError, UnavailableError
from beast_ops.llm.chat import ChatServer, Turn
from beast_ops.llm.testing import EMBEDS, WRITES, fake_ollama
from beast_ops.search.model import Answer, Hit

HITS = (
    Hit(1.0, "c1", "file://host/docs/keys.md", "Rotate once a year.", {"path": "/docs/keys.md"}),
    Hit(0.9, "c2", "file://host/docs/cats.md", "Cats sleep.", {"path": "/docs/cats.md"}),
)
ASKED = Question("How often?", "docs")


@pytest.fixture
def ollama():
    with fake_ollama() as double:
        yield double


class Ticking:
    """A clock that a test sets."""

    now = 0.0

    def monotonic(self):
        return self.now


async def events(url, question=ASKED, hits=HITS, model="", context=4096):
    async def search(query, options):
        return Answer(query, options.collection, "hybrid", hits, 0.0)

    async with http.async_client(url or "http://127.0.0.1:1", seconds=10) as client:
        writer = Writer(ChatServer(client) if url else None)
        answerer = Answerer(search, writer, lambda: Wish(model, context))
        return [event async for event in answerer.answer(question)]


def ask(url, *args, **said):
    found = asyncio.run(events(url, *args, **said))
    return found[0], "".join(each for each in found if isinstance(each, str)), found[-1]


def test_an_answer_says_what_it_stands_on_speaks_and_names_its_sources(ollama):
    ollama.answer = lambda _: ["Once a ", "year [", "1]", "; more [7]."]

    begun, text, ended = ask(ollama.url)

    assert isinstance(begun, Begun)
    assert [1, 2] == [each.number for each in begun.passages]
    assert WRITES == begun.model
    sources = "- [1] [keys.md](file://host/docs/keys.md)"
    assert f"Once a year [1]; more.\n\n**Sources**\n\n{sources}" == text
    assert ([1], 1) == (list(ended.cited), ended.removed)
    assert (8, 4) == (ended.ending.prompt_tokens, ended.ending.answer_tokens)


def test_the_model_is_told_how_much_it_sees(ollama):
    ask(ollama.url)
    ask(ollama.url, Question("How often?", "docs", options={"temperature": 0, "num_predict": 9}))
    ollama.context = 2048
    ask(ollama.url)

    options = [each["options"] for each in ollama.asked]
    assert {"num_predict": 1024, "num_ctx": 4096} == options[0]
    assert {"num_predict": 9, "num_ctx": 4096, "temperature": 0} == options[1]
    assert {"num_predict": 512, "num_ctx": 2048} == options[2]


def test_an_answer_may_not_take_all_that_the_model_sees(ollama):
    ask(ollama.url, Question("How often?", "docs", options={"num_predict": 10**6}))

    assert {"num_predict": 2048, "num_ctx": 4096} == ollama.asked[0]["options"]


def test_if_nothing_is_found_nothing_is_said_to_be_left_out(ollama):
    asked = Question("How often?", "docs", (Turn("user", "Keys?"),))

    assert not ask(ollama.url, asked, ())[0].left_out.words()


def test_if_nothing_is_found_no_model_makes_an_answer_up(ollama):
    begun, text, ended = ask(ollama.url, hits=())

    assert NOTHING == text
    assert () == begun.passages
    assert (0, 0) == (ended.ending.prompt_tokens, ended.ending.answer_tokens)
    assert [] == ollama.asked


def test_without_a_model_server_it_says_what_is_missing():
    with pytest.raises(MissingError, match="no model server") as caught:
        ask(None)

    assert "beast_services" in caught.value.hint


def test_without_a_model_that_writes_it_says_what_is_missing(ollama):
    del ollama.capabilities[WRITES]

    with pytest.raises(MissingError, match="no model that can write") as caught:
        ask(ollama.url)

    assert "ollama pull" in caught.value.hint


def test_the_model_of_the_settings_answers_or_is_refused(ollama):
    ollama.capabilities["qwen3:latest"] = ["completion", "thinking"]

    assert "qwen3" == ask(ollama.url, model="qwen3")[0].model
    with pytest.raises(ConflictError, match="makes no text"):
        ask(ollama.url, model=EMBEDS)
    with pytest.raises(MissingError, match="does not have this model"):
        ask(ollama.url, model="gone")


def test_a_failure_before_the_first_word_comes_before_anything_else(ollama):
    ollama.status = 503

    with pytest.raises(UnavailableError, match="busy"):
        ask(ollama.url)


def test_a_model_is_looked_up_now_and_then_and_when_it_is_gone(ollama):
    async def main():
        clock = Ticking()
        async with http.async_client(ollama.url, seconds=10) as client:
            writer = Writer(ChatServer(client), clock)
            first = (await writer.choose(""))[1].name
            ollama.capabilities.clear()
            same = (await writer.choose(""))[1].name
            clock.now = FRESH_SECONDS + 1
            with pytest.raises(MissingError):
                await writer.choose("")
            ollama.capabilities["qwen3:latest"] = ["completion"]
            return first, same, (await writer.choose(""))[1].name

    assert (WRITES, WRITES, "qwen3:latest") == asyncio.run(main())


def test_a_model_that_went_away_is_not_asked_for_ever(ollama):
    async def main():
        async with http.async_client(ollama.url, seconds=10) as client:

            async def search(query, options):
                return Answer(query, options.collection, "hybrid", HITS, 0.0)

            answerer = Answerer(search, Writer(ChatServer(client)), lambda: Wish("", 4096))
            [first, *_] = [each async for each in answerer.answer(ASKED)]
            del ollama.capabilities[WRITES]
            ollama.capabilities["qwen3:latest"] = ["completion"]
            with pytest.raises(MissingError, match="does not have this model"):
                [each async for each in answerer.answer(ASKED)]
            [second, *_] = [each async for each in answerer.answer(ASKED)]
            return first.model, second.model

    assert (WRITES, "qwen3:latest") == asyncio.run(main())


def test_an_errand_goes_to_the_model_without_documents(ollama):
    async def main():
        async with http.async_client(ollama.url, seconds=10) as client:
            answerer = Answerer(None, Writer(ChatServer(client)), lambda: Wish("", 4096))
            return [each async for each in answerer.errand([Turn("user", "A title?")], {})]

    found = asyncio.run(main())

    assert isinstance(found[-1], Ended)
    assert "You asked something [1]." == "".join(each for each in found if isinstance(each, str))
    [asked] = ollama.asked
    assert ["A title?"] == [each["content"] for each in asked["messages"]]
