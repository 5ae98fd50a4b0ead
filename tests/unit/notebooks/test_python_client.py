# SPDX-License-Identifier: Apache-2.0
"""The Python client with the real API, a real worker and a real vector store."""

import asyncio
import re
from pathlib import Path

import pytest

from beast_ops.client import AsyncClient, Client, Where
from beast_ops.errors import MissingError, ServiceError, UsageError
from beast_ops.jobs.client import wait
from tests.unit.notebooks.conftest import CATS, OWLS
from tests.unit.notebooks.test_transformation_routes import ended


@pytest.fixture
def api(stack):
    with Client(Where(stack.address, "token")) as opened:
        yield opened


def test_a_notebook_is_filled_searched_and_asked(api, told, client):
    notebook = api.notebooks.create(name="Birds, by the client")["id"]
    first = api.sources.add(notebook, {"text": OWLS, "name": "Owls"})["id"]
    second = api.sources.send(notebook, "cats and dogs.md", iter([CATS.encode()]))["id"]
    for source in (first, second):
        assert "ready" == told.settled(notebook, source)["state"]

    (hit,) = api.search.ask(query="Who hears a mouse?", notebook=notebook, limit=1)["hits"]
    assert "Owls fly by night" in hit["text"]
    assert 2 == api.sources.list(notebook, limit=1)["total"]

    session = api.chat.begin(notebook, title="Talk")["id"]
    said = list(api.chat.ask(session, text="Who flies by night?"))
    assert ("begun", "ended") == (said[0].name, said[-1].name)
    assert "You asked" in "".join(each.data["text"] for each in said if each.name == "text")
    assert 2 == api.chat.messages(session)["total"]

    begun = api.transformations.begin(notebook, kind="summary")["id"]
    names = [each.name for each in api.transformations.follow(notebook, begun)]
    assert "ended" == names[-1]
    assert "done" == ended(client, notebook, begun)["state"]

    api.notebooks.delete(notebook)
    with pytest.raises(MissingError):
        api.notebooks.get(notebook)


def test_documents_are_ingested_and_their_job_is_seen(api):
    manifest = {
        "collection": "by-client",
        "documents": [{"source": "file://host/a.md", "size": len(OWLS), "mtime_ns": 1}],
    }
    opened = api.ingest.open(manifest)
    assert [0] == opened["wanted"]
    api.ingest.send(opened["job"], 0, [OWLS.encode()])
    api.ingest.start(opened["job"])
    done = wait(lambda: api.jobs.get(opened["job"]), lambda _: None, "")

    assert 1 == done["documents"]["ingested"]
    assert "by-client" in [each["name"] for each in api.collections.list()["collections"]]
    assert 1 == len(api.collections.documents("by-client", limit=5)["documents"])

    golden = [
        {"question": "Who flies by night?", "sources": ["a.md"], "phrases": ["by night"]},
        {"question": "What do owls hear?", "sources": ["elsewhere.md"]},
    ]
    begun = api.collections.evaluate("by-client", questions=golden)
    found = wait(lambda: api.jobs.get(begun["job"]), lambda _: None, "")
    assert (2, 0.5, 0.5) == (found["questions"], found["recall_1"], found["mrr"])
    assert [1, None] == [each["rank"] for each in found["ranks"]]


@pytest.mark.parametrize(
    "questions",
    [[], [{"question": "Owls?", "sources": []}], [{"question": "Owls?", "sources": ["a"]}] * 2],
    ids=["none", "without sources", "one twice"],
)
def test_golden_questions_that_make_no_sense_are_refused(api, questions):
    with pytest.raises(UsageError, match="question"):
        api.collections.evaluate("by-client", questions=questions)
    with pytest.raises(MissingError):
        api.collections.evaluate("nowhere", questions=[{"question": "?", "sources": ["a"]}])


def test_what_is_wrong_is_an_error_of_ours(stack, api):
    with pytest.raises(UsageError):
        api.jobs.list(limit=0)
    with Client(Where(stack.address, "wrong")) as stranger, pytest.raises(ServiceError):
        stranger.models.list()


def test_events_are_followed_and_the_openai_answer_streams_awaited(stack, api, told):
    key = told.notebook("Awaited")
    told.read(key, OWLS)

    async def ask():
        async with AsyncClient(Where(stack.address, "token")) as opened:
            await opened.search.ask(query="Owls?", notebook=key)
            events = opened.follow(names="rag.", after=0)
            first = await asyncio.wait_for(anext(events), 20)
            await events.aclose()
            asked = {"model": "beast/notebooks", "messages": [{"role": "user", "content": "Owls?"}]}
            pieces = [
                choice["delta"].get("content") or ""
                async for each in opened.openai.complete_streamed(**asked)
                for choice in each.data["choices"]
            ]
            return first, "".join(pieces), await opened.openai.complete(**asked)

    try:
        event, streamed, whole = asyncio.run(ask())
    finally:
        api.notebooks.delete(key)

    assert "rag.queried" == event["name"]
    assert "You asked something" in streamed
    assert "You asked something" in whole["choices"][0]["message"]["content"]


GUIDE = Path(__file__).parents[3] / "docs/guides/python.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_what_the_guide_shows_works(stack, told, monkeypatch, capsys):
    told.read(told.notebook("Read before"), OWLS)
    monkeypatch.setenv("BEAST_API_URL", stack.address)
    monkeypatch.setenv("BEAST_API_TOKEN", "token")
    printed = []
    for example in EXAMPLES:
        exec(compile(example, str(GUIDE), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own guide
        printed.append(capsys.readouterr().out)

    assert len(EXAMPLES) == len(printed) == 5
    expected = ["Owls ", "no such notebook", "You asked", "rag.queried", "Owls fly by night"]
    for wanted, said in zip(expected, printed, strict=True):
        assert wanted in said
