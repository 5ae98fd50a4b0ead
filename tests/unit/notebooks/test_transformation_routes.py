# SPDX-License-Identifier: Apache-2.0
"""Texts made of sources by a real worker, with a double of the model server."""

import re
import time

import pytest

from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.llm.testing import CONTEXT, EMBEDS, WRITES, echo
from tests.unit.notebooks.conftest import CATS, OWLS, SECONDS
from tests.unit.notebooks.test_notebook_routes import code
from tests.unit.notebooks.test_session_routes import events, said

CARDS = ["Q: When do owls fly?\nA: By night [", "1].\n\nQ: Who sleeps?\n", "A: Cats [2] [9].\n"]


@pytest.fixture(autouse=True)
def _the_model_behaves(stack):
    stack.ollama.asked.clear()
    yield
    stack.ollama.answer, stack.ollama.broken, stack.ollama.status = echo, None, 0
    stack.ollama.gap, stack.ollama.context = 0.0, CONTEXT
    stack.ollama.capabilities = {EMBEDS: ["embedding"], WRITES: ["completion"]}


@pytest.fixture
def sources(told, notebook):
    return [told.read(notebook, OWLS, "owls"), told.read(notebook, CATS, "cats")]


def begin(client, notebook, **body):
    answer = client.post(f"/notebooks/{notebook}/transformations", json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


def ended(client, notebook, result):
    until = time.monotonic() + SECONDS
    while True:
        found = client.get(f"/notebooks/{notebook}/transformations/{result}").json()
        if found["state"] not in {"pending", "running"}:
            return found
        assert time.monotonic() < until, found
        time.sleep(0.05)


def test_flashcards_are_made_of_all_sources_and_cite_passages(stack, client, notebook, sources):
    stack.ollama.answer = lambda _: CARDS
    begun = begin(client, notebook, kind="flashcards")

    found = ended(client, notebook, begun["id"])

    assert ("done", sources) == (found["state"], found["sources"])
    assert [("When do owls fly?", [1]), ("Who sleeps?", [2])] == [
        (each["question"], each["cited"]) for each in found["items"]
    ]
    assert sources == [each["notebook_source"] for each in found["passages"]]
    assert "[9]" not in found["text"]
    measured = found["measured"]
    assert (1, 2, 0, 1) == tuple(
        measured[name] for name in ("calls", "passages", "left_out", "removed")
    )
    assert measured["prompt_tokens"] > 0
    assert measured["seconds"] > 0
    listed = client.get(f"/notebooks/{notebook}/transformations").json()
    assert ([begun["id"]], 1) == (
        [each["id"] for each in listed["transformations"]], listed["total"],
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["summary", "insights", "questions"])
def test_each_kind_is_asked_for_in_its_own_words(stack, client, notebook, sources, kind):
    found = ended(client, notebook, begin(client, notebook, kind=kind, sources=sources[:1])["id"])

    assert "done" == found["state"], found
    system, passages = (each["content"] for each in stack.ollama.asked[-1]["messages"])
    assert {"questions": "key questions"}.get(kind, kind) in system
    assert "Owls fly by night" in passages
    assert "Cats sleep" not in passages
    assert stack.ollama.asked[-1]["options"]["num_ctx"] <= CONTEXT


def test_it_can_be_followed_while_it_comes(stack, client, notebook, sources):
    assert sources
    stack.ollama.answer, stack.ollama.gap = lambda _: [f"word{n} [1] " for n in range(20)], 0.03
    begun = begin(client, notebook, kind="summary")

    answer = client.get(f"/notebooks/{notebook}/transformations/{begun['id']}/events")

    found = events(answer)
    assert ("ended", "done") == (found[-1][0], found[-1][1]["state"])
    assert len([name for name, _ in found if name == "text"]) > 2
    shown = client.get(f"/notebooks/{notebook}/transformations/{begun['id']}").json()
    assert shown["text"] == said(found)


def test_what_does_not_fit_is_read_batch_by_batch_and_cites_the_passages_themselves(
    stack, client, told, notebook
):
    stack.ollama.context = 1024
    text = "\n\n".join(
        f"# Bird {number}\n\n" + f"Bird number {number} sings. " * 40 for number in range(12)
    )
    told.read(notebook, text, "birds")

    def answer(body):
        shown = body["messages"][1]["content"]
        last = re.findall(r'number="(\d+)" from="[^"]*">\s*(?:under.*\n)?(.{0,40})', shown)[-1]
        return [f"- So it says, {last[1]} [{last[0]}]\n"]

    stack.ollama.answer = answer
    found = ended(client, notebook, begin(client, notebook, kind="summary")["id"])

    assert "done" == found["state"], found
    assert found["measured"]["calls"] == len(stack.ollama.asked) > 3
    assert found["measured"]["left_out"] == 0
    for body in stack.ollama.asked:
        size = sum(len(each["content"].encode()) for each in body["messages"])
        assert size / 3 + body["options"]["num_predict"] <= 1024
    assert found["passages"]
    numbers = {int(each) for each in re.findall(r"\[(\d+)\]", found["text"])}
    assert numbers == {each["number"] for each in found["passages"]}
    assert all("sings" in each["text"] for each in found["passages"])


def test_cancelled_it_ends_soon_and_the_model_is_stopped(stack, client, notebook, sources):
    assert sources
    stack.ollama.answer, stack.ollama.gap = lambda _: ["word "] * 5000, 0.02
    before = stack.ollama.given_up
    begun = begin(client, notebook, kind="summary")["id"]
    path = f"/notebooks/{notebook}/transformations/{begun}"
    while client.get(path).json()["state"] != "running":
        time.sleep(0.02)

    assert 202 == client.post(f"{path}/cancel").status_code

    assert "cancelled" == ended(client, notebook, begun)["state"]
    assert stack.ollama.given_up == before + 1
    time.sleep(0.3)
    assert (409, "conflict") == code(client.post(f"{path}/cancel"))
    assert 204 == client.delete(path).status_code
    for answer in (client.get(path), client.delete(path), client.get(f"{path}/events")):
        assert (404, "not_found") == code(answer)


def test_a_notebook_takes_its_results_with_it(stack, client, told):
    key = told.notebook("Results")
    told.read(key, OWLS)
    begun = begin(client, key, kind="summary")["id"]
    found = ended(client, key, begun)
    assert "done" == found["state"], found

    client.delete(f"/notebooks/{key}")

    assert stack.ollama.asked
    assert 404 == client.get(f"/notebooks/{key}/transformations/{begun}").status_code
    assert 404 == client.get(f"/notebooks/{key}/transformations").status_code


def test_a_result_stays_when_its_job_is_forgotten(stack, client, notebook, sources):
    assert sources
    begun = begin(client, notebook, kind="summary")["id"]
    done = ended(client, notebook, begun)
    assert "done" == done["state"], done
    time.sleep(0.5)  # it is kept with the notebook by now
    with JobTable(jobs_file(stack.around.data)) as jobs:
        assert jobs.get(begun).state is State.DONE
        with jobs._database.writing() as table:
            table.exec_driver_sql("DELETE FROM jobs WHERE id = ?", (begun,))

    found = client.get(f"/notebooks/{notebook}/transformations/{begun}").json()

    assert {**done, "changed": found["changed"], "done": None, "of": None} == found


def test_without_a_model_it_says_what_is_missing(stack, client, notebook, sources):
    assert sources
    stack.ollama.capabilities = {EMBEDS: ["embedding"]}

    answer = client.post(f"/notebooks/{notebook}/transformations", json={"kind": "summary"})

    assert (404, "not_found") == code(answer)
    assert "ollama pull" in answer.json()["error"]["hint"]


def test_a_model_that_fails_says_why(stack, client, notebook, sources):
    assert sources
    stack.ollama.broken, stack.ollama.how = 2, "line"

    found = ended(client, notebook, begin(client, notebook, kind="summary")["id"])

    assert "failed" == found["state"]
    assert "unexpectedly stopped" in found["reason"]


def test_sources_that_are_not_ready_are_refused(client, told, notebook):
    path = f"/notebooks/{notebook}/transformations"

    assert (409, "conflict") == code(client.post(path, json={"kind": "summary"}))
    sent = client.put(f"/notebooks/{notebook}/files/b.pdf", content=b"%PDF-1.7 nothing").json()
    told.settled(notebook, sent["id"])
    body = {"kind": "summary", "sources": [sent["id"]]}
    assert (409, "conflict") == code(client.post(path, json=body))
    body["sources"] = ["nowhere"]
    assert (404, "not_found") == code(client.post(path, json=body))
    assert (404, "not_found") == code(
        client.post("/notebooks/nowhere/transformations", json={"kind": "summary"})
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "poem"},
        {"kind": "summary", "sources": "x"},
        {"kind": "summary", "sources": [""]},
        {"kind": "summary", "sources": ["x"] * 1001},
        {"kind": "summary", "model": "x"},
    ],
    ids=range(6),
)
def test_what_makes_no_sense_is_refused(client, notebook, body):
    assert (422, "invalid") == code(
        client.post(f"/notebooks/{notebook}/transformations", json=body)
    )
