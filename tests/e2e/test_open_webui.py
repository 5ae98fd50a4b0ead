# SPDX-License-Identifier: Apache-2.0
"""The real Open WebUI beside a real installation: it chats with documents, and mirrors them.

Its environment is what our card gives its container. The model server is a double, which speaks
the part of Ollama's API that both use.
"""

import json

import pytest

from beast_ops import http
from beast_ops.llm.testing import echo, fake_ollama
from beast_ops.mirror.documents import Documents
from beast_ops.mirror.run import bring
from beast_ops.mirror.webui import Knowledge
from tests.e2e import knowledge, webui
from tests.e2e.stack import HERE

pytestmark = [pytest.mark.long, pytest.mark.needs("open-webui")]

ASKED = [{"role": "user", "content": "How often do I rotate the keys?"}]
SHOWN_MS = 60_000


@pytest.fixture(scope="module")
def ollama():
    with fake_ollama() as double:
        double.answer = echo
        yield double


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    (folder / "keys.md").write_text("# Keys\n\nRotate the keys of the store once a year.\n")
    (folder / "cats.md").write_text("# Cats\n\nCats sleep most of the day.\n")
    return folder


@pytest.fixture(scope="module")
def installed(build, clone, ollama, papers):
    stack = build(clone)
    stack.deploy(ollama_url=ollama.url)
    knowledge.told(knowledge.ingest(stack, papers, collection="docs"))
    yield stack
    stack.clear()


@pytest.fixture(scope="module")
def application(installed, ollama, tmp_path_factory):
    with webui.running(installed, ollama.url, tmp_path_factory.mktemp("webui")) as found:
        yield found


@pytest.fixture
def client(application):
    with application.client() as opened:
        yield opened


def test_each_collection_is_a_model_there(client):
    names = [each["id"] for each in client.get("/api/models").json()["data"]]

    assert "beast/docs" in names
    assert "llama3.2:latest" in names
    assert ["beast/docs"] == [name for name in names if name.startswith("beast/")]


def test_it_streams_an_answer_with_its_sources(client):
    body = {"model": "beast/docs", "messages": ASKED, "stream": True}
    with client.stream("POST", "/api/chat/completions", json=body) as answer:
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line]

    chunks = [json.loads(line) for line in lines if line.startswith("{")]
    deltas = [each["choices"][0]["delta"] for each in chunks if each.get("choices")]
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text.startswith("You asked something [1].")
    assert "- [1] [keys.md](file://" in text


@pytest.mark.needs("chromium")
def test_a_person_sees_numbers_that_lead_to_the_sources(application):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        try:
            page.goto(f"{application.url}/auth", timeout=SHOWN_MS)
            page.evaluate("token => localStorage.setItem('token', token)", application.token)
            page.goto(f"{application.url}/?models=beast/docs", timeout=SHOWN_MS)
            box = page.locator("#chat-input")
            box.wait_for(timeout=SHOWN_MS)
            page.keyboard.press("Escape")  # what is new in this version
            box.click()
            page.keyboard.type(ASKED[0]["content"])
            page.keyboard.press("Enter")
            page.get_by_text("You asked something").wait_for(timeout=SHOWN_MS)
            source = page.get_by_role("button", name="1. keys.md").first
            source.wait_for(timeout=SHOWN_MS)
            source.click()
            page.get_by_text("Rotate the keys of the store once a year.").first.wait_for(
                timeout=SHOWN_MS
            )
        finally:
            (HERE / "out").mkdir(exist_ok=True)
            page.screenshot(path=str(HERE / "out/open-webui-chat.png"))
            browser.close()


def test_a_knowledge_base_is_kept_in_step(installed, client, papers):
    told = []

    def run():
        told.clear()
        with knowledge.vectors(installed) as store:
            documents = Documents(store, "docs")
            return bring(documents, Knowledge(client, "Papers"), told.append).as_dict()

    def held():
        [base] = [
            each
            for each in client.get("/api/v1/knowledge/").json()["items"]
            if each["name"] == "Papers"
        ]
        found = client.get(f"/api/v1/knowledge/{base['id']}/files").json()["items"]
        return {each["filename"]: each["id"] for each in found}

    first = run()
    assert (2, {}) == (first["new"], first["failed"])
    before = held()
    assert {"keys.md", "cats.md"} == set(before)
    again = run()
    assert (0, 0, 0, 2) == tuple(again[name] for name in ("new", "changed", "removed", "same"))
    assert [] == told
    assert before == held()

    (papers / "keys.md").write_text("# Keys\n\nRotate the keys of the store twice a year.\n")
    (papers / "cats.md").unlink()
    (papers / "dogs.md").write_text("# Dogs\n\nDogs bark.\n")
    knowledge.told(knowledge.ingest(installed, papers, collection="docs"))
    changed = run()
    assert (1, 1, 1, {}) == (
        changed["new"], changed["changed"], changed["removed"], changed["failed"]
    )  # fmt: skip
    after = held()
    assert {"keys.md", "dogs.md"} == set(after)
    assert before["keys.md"] != after["keys.md"]
    content = client.get(f"/api/v1/files/{after['keys.md']}/data/content").json()["content"]
    assert "twice a year" in content
    with pytest.raises(http.RequestError):
        client.get(f"/api/v1/files/{before['cats.md']}").raise_for_status()
