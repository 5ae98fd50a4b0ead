# SPDX-License-Identifier: Apache-2.0
"""Dense vectors from end to end, and a model server that is there, absent, broken or back.

The double speaks Ollama's `GET /api/version`, `GET /api/tags` and `POST /api/embed` (names carry
their tag; `truncate` must be false; errors are `{"error": …}`); its vectors are those of the hash
embedder, so that searching by meaning finds something.
"""

import json
import time
from dataclasses import dataclass, field

import pytest

from beast_ops.llm.hashing import HashEmbedder
from beast_ops.testing import Canned, fake_service
from tests.corpus import gather
from tests.e2e import knowledge
from tests.e2e.knowledge import (
    api,
    difference,
    ingest,
    last_words,
    points,
    start_ingest,
    told,
    wait_for,
)

MODEL = "nomic-embed-text"
DIMENSION = 64
DOCUMENTS = 12
GONE = Canned({"error": "model runner has unexpectedly stopped"}, 500)


@dataclass
class Ollama:
    """How the double behaves: it refuses what comes after *good* batches, if that is set."""

    good: int | None = None
    failure: Canned = GONE
    embedded: list[str] = field(default_factory=list)
    hash: HashEmbedder = field(default_factory=lambda: HashEmbedder(DIMENSION))

    def tags(self, _asked):
        return Canned({"models": [{"name": f"{MODEL}:latest", "model": f"{MODEL}:latest"}]})

    def embed(self, asked):
        body = json.loads(asked.body)
        assert body["truncate"] is False
        if self.good is not None:
            if self.good <= 0:
                return self.failure
            self.good -= 1
        texts = body["input"]
        self.embedded += texts
        rows = self.hash.embed_documents([text.partition(": ")[2] for text in texts])
        return Canned({"model": body["model"], "embeddings": rows.tolist()})


@pytest.fixture(scope="module")
def ollama():
    double = Ollama()
    answers = {
        "/api/version": Canned({"version": "0.32.0"}),
        "/api/tags": double.tags,
        "/api/embed": double.embed,
    }
    with fake_service(answers) as service:
        double.url = service.address
        yield double


@pytest.fixture(scope="module")
def installed(build, clone, ollama):
    stack = build(clone)
    stack.deploy(ollama_url=ollama.url)
    yield stack
    stack.clear()


@pytest.fixture
def dense(installed, ollama):
    """Return an installation whose model server works again."""
    ollama.good, ollama.failure = None, GONE
    return installed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("papers")
    gather.gather(made, most=DOCUMENTS)
    (made / "cats.md").write_text("# Cats\n\nCats sleep most of the day.\n")
    return made


def ask(stack, query, collection):
    with api(stack) as client:
        answer = client.post("/search", json={"query": query, "collection": collection})
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_passages_have_vectors_of_both_kinds_and_are_found_by_both(dense, folder, ollama):
    told(ingest(dense, folder, collection="both"))

    stored = points(dense, "both")
    assert all({"dense", "text"} >= set(vector) >= {"dense"} for _, vector in stored.values())
    assert {DIMENSION} == {len(vector["dense"]) for _, vector in stored.values()}
    passages = [text for text in ollama.embedded if text.startswith("search_document: ")]
    assert len(stored) == len(passages)
    answer = ask(dense, "sleeping cats", "both")
    assert "hybrid" == answer["mode"]
    assert "note" not in answer
    assert answer["hits"][0]["source"].endswith("/cats.md")
    assert "search_query: sleeping cats" == ollama.embedded[-1]


def test_what_is_unchanged_is_not_embedded_again(dense, folder, ollama):
    told(ingest(dense, folder, collection="once"))
    before = len(ollama.embedded)

    told(ingest(dense, folder, collection="once"))

    assert before == len(ollama.embedded)


@pytest.mark.parametrize(
    "failure",
    [GONE, Canned({"error": "busy"}, 503), Canned(b"<html>no JSON"), Canned(b"", 200, 60.0)],
    ids=["error", "busy", "nonsense", "silence"],
)
def test_while_the_model_server_is_broken_words_are_searched_and_the_answer_says_so(
    dense, folder, ollama, failure
):
    told(ingest(dense, folder, collection="fallback"))
    ollama.good, ollama.failure = 0, failure
    try:
        with knowledge.quiet(dense):
            begun = time.monotonic()
            answer = ask(dense, "sleeping cats", "fallback")
            seconds = time.monotonic() - begun
        done = dense.must("search", "sleeping cats", "--collection", "fallback")
    finally:
        ollama.good = None

    assert "lexical" == answer["mode"]
    assert answer["note"].startswith("found by words only: ")
    assert answer["hits"][0]["source"].endswith("/cats.md")
    assert seconds < 10
    assert "found by words only" in done.out


def test_an_ingestion_whose_model_server_fails_midway_says_so_and_can_be_resumed(
    dense, folder, ollama
):
    told(ingest(dense, folder, collection="calm"))
    dense.must("cache.clear", "embeddings")  # else nothing would be asked again
    ollama.good, ollama.failure = 3, Canned({"error": "out of memory"}, 400)

    broken = ingest(dense, folder, collection="resumed")

    assert 1 == broken.code
    assert "out of memory" in last_words(broken)
    assert "Run the same ingest again" in last_words(broken)
    stored = len(points(dense, "resumed", whole=False))
    assert stored < len(points(dense, "calm", whole=False))
    ollama.good = None

    told(ingest(dense, folder, collection="resumed"))

    assert "" == difference(points(dense, "calm"), points(dense, "resumed"))


def test_an_ingestion_outlasts_a_model_server_that_is_away_for_seconds(dense, folder, ollama):
    told(ingest(dense, folder, collection="calm"))
    dense.must("cache.clear", "embeddings")  # else nothing would be asked again
    ollama.good, ollama.failure = 2, Canned({"error": "loading model"}, 503)
    process = start_ingest(dense, folder, collection="patient")
    wait_for(lambda: ollama.good == 0, 60)
    time.sleep(2)

    ollama.good = None

    told(dense.finish(process))
    assert "" == difference(points(dense, "calm"), points(dense, "patient"))


@pytest.mark.long
def test_without_a_model_server_words_are_searched_and_health_says_what_is_missing(
    dense, folder, ollama
):
    told(ingest(dense, folder, collection="left"))
    try:
        dense.deploy(ollama_url="http://127.0.0.1:31999")  # nobody listens there
        answer = ask(dense, "sleeping cats", "left")
        report = dense.run("health", "--json").json
        refused = ingest(dense, folder / "cats.md", collection="left")
        (folder / "new.md").write_text("# New\n\nSomething new.\n")
        failed = ingest(dense, folder, collection="left")
    finally:
        (folder / "new.md").unlink(missing_ok=True)
        dense.deploy(ollama_url=ollama.url)

    assert "lexical" == answer["mode"]
    assert answer["hits"]
    assert "note" in answer
    assert "healthy" == report["status"]
    told(refused)  # nothing is to be embedded
    assert 1 == failed.code
    assert "model server" in last_words(failed)


@pytest.mark.long
def test_vectors_by_hashing_need_no_model_server(dense, folder):
    try:
        dense.deploy(beast_worker_embedder="hash")
        told(ingest(dense, folder, collection="hashed"))
        answer = ask(dense, "sleeping cats", "hashed")
    finally:
        dense.deploy(beast_worker_embedder="auto")

    assert "hybrid" == answer["mode"]
    assert answer["hits"][0]["source"].endswith("/cats.md")
    again = ask(dense, "sleeping cats", "hashed")  # a collection keeps its embedder
    assert ("hybrid", answer["hits"][0]) == (again["mode"], again["hits"][0])
