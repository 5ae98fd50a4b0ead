# SPDX-License-Identifier: Apache-2.0
"""Draft golden questions: passages by chance, and what a model asks about each.

They are drafts: a question is golden once somebody has read it. What a passage says comes from
strangers, so whatever a model makes of it is only ever shown as text.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from beast_ops import http
from beast_ops.cards import read_services
from beast_ops.errors import MissingError, ServiceError, UsageError
from beast_ops.keys import read_secret
from beast_ops.llm.calls import Calls, reason_in
from beast_ops.llm.chat import CAN_WRITE
from beast_ops.llm.ollama_server import OllamaServer, once
from beast_ops.place import Place
from beast_ops.resilience.policy import CHAT
from beast_ops.search.model import clean
from beast_ops.settings import Strict

from .beside import Side, key_of
from .questions import PHRASE_LEAST, Question

MOST = 200
TRIES = 5  # times as many passages as questions: some are twins, of some a model makes nothing
CHARACTERS = 2000  # of a passage; half of the smallest context in use, with room for the answer
LEAST_CHARACTERS, LEAST_WORDS = (
    200,
    4,
)  # shorter passages say nothing, shorter questions ask nothing
ANSWER_SECONDS = 120.0  # a slow processor, and the model is loaded first
STORE, MODELS = "the vector store", "the model server"
ASKED = (
    "Below is a passage of a document. Write one question that a person would ask who does not "
    "know the document, and that the passage answers. Do not mention the passage. Then copy from "
    "it, letter by letter, the few words that answer the question. Answer in the language of the "
    "passage.\n\n"
)


class Draft(Strict):
    """What a model is to answer with."""

    question: Annotated[str, Field(min_length=1)]
    phrase: str


def suggest(place: Place, collection: str, count: int, model: str = "") -> Iterator[Question]:
    """Yield up to *count* drafts about the documents of *collection*, each of another document.

    Args:
        place: The installation.
        collection: The collection.
        count: How many, at most `MOST`.
        model: Which model drafts; the first that can, if left out.

    Raises:
        UsageError: If *count* makes no sense.
        MissingError: If there is no such collection, no model server, or no model that can.
        UnavailableError: If one of them does not answer.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"from 1 to {MOST} questions can be drafted", subject=str(count))
    side = Side(read_services(place.require_deployed().services), place.secrets)
    models = side.find("models")
    if models is None or models.address is None:
        raise MissingError(
            "there is no model server", hint="Add ollama to beast_services, then: ./beast deploy"
        )
    passages = sample(side, collection, count * TRIES)
    with closing(Drafter(models.address, model)) as drafter:
        found = 0
        for each in _one_each(passages):
            draft = drafter.draft(each)
            if draft is not None:
                yield draft
                found += 1
            if found == count:
                return


def sample(side: Side, collection: str, count: int) -> list[Mapping[str, Any]]:
    """Return the payloads of *count* passages of *collection*, taken by chance.

    Raises:
        MissingError: If there is no such collection, or nothing in it.
        UnavailableError: If the store does not answer.
    """
    store = side.find("vectors")
    if store is None:
        raise MissingError("there is no vector store", hint="See: ./beast status")
    key = key_of(store, side.secrets)
    headers = {"api-key": read_secret(key)} if key else {}
    body = {
        "query": {"sample": "random"},
        "limit": count,
        "with_payload": ["text", "path", "source"],
    }
    with http.client(store.address or "", headers=headers) as client, http.speaking_to(STORE):
        answer = client.post(f"/collections/{collection}/points/query", json=body)
        if answer.status_code == 404:  # noqa: PLR2004 - Not Found
            raise MissingError(
                "there is no such collection",
                subject=collection,
                hint="Fill it with: ./beast ingest FOLDER",
            )
        answer.raise_for_status()
    points = answer.json()["result"]["points"]
    return [each["payload"] for each in points if each.get("payload")]


def _one_each(passages: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield those that say something, at most one of each document."""
    seen = set()
    for each in passages:
        source = each.get("source")
        if source not in seen and len(str(each.get("text", ""))) >= LEAST_CHARACTERS:
            seen.add(source)
            yield each


class Drafter:
    """Has a model ask a question about a passage."""

    def __init__(self, url: str, model: str = "") -> None:
        """Ask *model* of the server at *url*; the first that can write, if left out."""
        self._url, self._model = url, model
        self._calls = Calls(url, ANSWER_SECONDS)

    def close(self) -> None:
        """Hang up."""
        self._calls.close()

    def draft(self, passage: Mapping[str, Any]) -> Question | None:
        """Return a question about *passage*; nothing if the model makes no sense.

        Raises:
            MissingError: If the server has no model that can.
            UnavailableError: If it does not answer.
        """
        text = str(passage["text"])[:CHARACTERS]
        self._model = self._model or self._first()
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": f"{ASKED}{text}"}],
            "format": Draft.model_json_schema(),
            "options": {"temperature": 0},
            "stream": False,
        }
        said = self._ask(body)
        try:
            return _question(Draft.model_validate_json(said["message"]["content"]), passage)
        except (ValidationError, KeyError, TypeError):
            return None

    def _first(self) -> str:
        able = once(self._url, _writers)
        if able:
            return able[0]
        raise MissingError(
            "the model server has no model that can write",
            hint="Get one with: ollama pull NAME, and name it: --model NAME",
        )

    def _ask(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return self._calls.post("/api/chat", body, lambda answer: _said(answer, body), CHAT)


async def _writers(server: OllamaServer) -> list[str]:
    """Return the first model of *server* that can write, if there is one."""
    for name in await server.models():
        if CAN_WRITE in ((await server.show(name)).capabilities or ()):
            return [name]
    return []


def _said(answer: http.Response, body: Mapping[str, Any]) -> dict[str, Any]:
    if answer.is_success:
        try:
            return dict(answer.json())
        except (ValueError, TypeError) as wrong:
            raise ServiceError(f"{MODELS} sent no answer that can be read") from wrong
    if answer.status_code == 404:  # noqa: PLR2004 - Not Found
        raise MissingError("the model server does not have this model", subject=str(body["model"]))
    raise ServiceError(f"{MODELS} answered {answer.status_code}: {reason_in(answer)}")


def _question(draft: Draft, passage: Mapping[str, Any]) -> Question | None:
    """Return *draft* as a question, with its phrase if the passage says it; nothing if it is none.

    Raises:
        ValidationError: If it cannot be asked.
    """
    question = " ".join(draft.question.split())
    phrase = " ".join(_bare(draft.phrase).split())
    path = str(passage.get("path") or passage["source"])
    if len(question.split()) < LEAST_WORDS:
        return None
    known = len(phrase) >= PHRASE_LEAST and Question(
        question=question, sources=(path,), phrases=(phrase,)
    ).answered_by((path,), str(passage["text"]))
    return Question(question=question, sources=(path,), phrases=(phrase,) if known else ())


def _bare(text: str) -> str:
    """Return *text* without what could steer a terminal; nothing if nothing else is in it."""
    try:
        return clean(text)
    except UsageError:
        return ""


def as_yaml(questions: Iterable[Question], file: Path) -> Iterator[str]:
    """Yield the lines of a file of *questions*, each as soon as it is there."""
    yield f"# Drafts. Read each, throw the bad ones away, and put the rest into {file}"
    yield "questions:"
    for each in questions:
        # JSON is YAML, in which nothing that a stranger wrote means more than its letters.
        yield f"  - question: {json.dumps(each.question, ensure_ascii=False)}"
        yield f"    sources: {json.dumps(each.sources[0])}"
        if each.phrases:
            yield f"    phrases: {json.dumps(each.phrases[0], ensure_ascii=False)}"
