# SPDX-License-Identifier: Apache-2.0
"""The gateway in an installation without containers: ours chat through it, and so do others."""

import json

import pytest

from beast_ops import http
from beast_ops.llm.testing import fake_ollama
from tests.e2e import knowledge, webui
from tests.e2e.stack import free_port

SERVICES = ["ollama", "qdrant", "beast_gateway", "beast_worker", "beast_api", "beast_agent"]
ASKED = [{"role": "user", "content": "How often do I rotate the keys?"}]


@pytest.fixture(scope="module")
def ollama():
    with fake_ollama() as double:
        yield double


@pytest.fixture(scope="module")
def gateway():
    return free_port()


@pytest.fixture(scope="module")
def installed(build, clone, ollama, gateway, tmp_path_factory):
    papers = tmp_path_factory.mktemp("papers")
    (papers / "keys.md").write_text("# Keys\n\nRotate the keys of the store once a year.\n")
    stack = build(clone)
    stack.deploy(
        ollama_url=ollama.url,
        beast_gateway_port=gateway,
        beast_services=json.dumps(SERVICES),
    )
    knowledge.told(knowledge.ingest(stack, papers, collection="docs"))
    yield stack
    stack.clear()


@pytest.fixture
def models(gateway):
    """Return a client of the gateway that shows a token."""

    def opened(token=""):
        shown = {"authorization": f"Bearer {token}"} if token else {}
        return http.client(f"http://127.0.0.1:{gateway}", headers=shown)

    return opened


def told(stack, *words):
    """Return what a verb tells a machine, however well all is."""
    return json.loads(stack.run(*words, "--json").out)


def test_ours_ask_models_through_it(installed, ollama):
    found = told(installed, "models.list")
    said = installed.must("ask", "how often", "--collection", "docs").out

    assert "llama3.2:latest" in {each["name"] for each in found["models"]}
    assert "You asked something" in said
    assert ollama.asked
    environ = installed.root / "secrets" / "beast-gateway"
    known = {"client_beast_api", "client_beast_worker", "metrics_token"}
    assert known == {each.name for each in environ.iterdir()}


def test_health_sees_it(installed):
    found = {each["name"]: each["status"] for each in told(installed, "health")["checks"]}

    assert ("healthy", "healthy") == (found["ollama"], found["beast-gateway"])


def test_a_token_is_held_to_what_it_was_made_for(installed, models):
    words = ["--scope", "write", "--models", "llama3.2", "--per-minute", "3"]
    token = told(installed, "tokens.create", "pupil", *words)["token"]
    body = {"model": "llama3.2", "messages": ASKED}
    with models(token) as client, models() as nobody:
        listed = [each["name"] for each in client.get("/api/tags").json()["models"]]
        embeds = client.post("/api/embed", json={"model": "nomic-embed-text", "input": "x"})
        found = [client.post("/api/chat", json=body).status_code for _ in range(3)]
        refused = nobody.get("/api/tags").status_code
        pulled = client.post("/api/pull", json={"model": "llama3.2"}).status_code
    installed.must("tokens.revoke", "pupil")

    assert ["llama3.2:latest"] == listed
    assert [200, 200, 429] == found
    assert 403 == embeds.status_code
    assert (401, 403) == (refused, pulled)
    with models(token) as client:
        assert 401 == client.get("/api/tags").status_code


def test_nothing_of_it_changes_by_itself(installed):
    assert 0 == installed.run("drift").code


@pytest.mark.long
@pytest.mark.needs("open-webui")
def test_open_webui_shows_a_token_of_its_own(installed, gateway, ollama, tmp_path):
    token = told(installed, "tokens.create", "webui", "--scope", "write")["token"]
    url = f"http://127.0.0.1:{gateway}"
    for folder in (tmp_path / "right", tmp_path / "wrong"):
        folder.mkdir()
    with (
        webui.running(installed, url, tmp_path / "right", token) as found,
        found.client() as client,
    ):
        names = [each["id"] for each in client.get("/api/models").json()["data"]]
        body = {"model": "llama3.2:latest", "messages": ASKED, "stream": True}
        said = client.post("/api/chat/completions", json=body).text
        pulled = client.post("/ollama/api/pull", json={"model": "tiny"})
    with (
        webui.running(installed, url, tmp_path / "wrong", "a-wrong-one") as other,
        other.client() as client,
    ):
        without = [each["id"] for each in client.get("/api/models").json()["data"]]

    assert "llama3.2:latest" in names
    deltas = [json.loads(line[6:]) for line in said.splitlines() if line.startswith("data: {")]
    words = [
        each["choices"][0]["delta"].get("content") or "" for each in deltas if "choices" in each
    ]
    assert "You asked something" in "".join(words)
    assert not pulled.is_success
    assert "tiny:latest" not in ollama.capabilities
    assert "llama3.2:latest" not in without
