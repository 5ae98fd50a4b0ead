# SPDX-License-Identifier: Apache-2.0
"""Which vectors a collection gets, and that it keeps them."""

import pytest

from beast_ops.errors import SettingsError
from beast_ops.ingest.settings import WorkerSettings
from beast_ops.ingest.state import DocumentState, Known
from beast_ops.ingest.store import PointStore
from beast_ops.ingest.target import open_target
from beast_ops.testing import Canned, fake_service


@pytest.fixture
def opening(tmp_path, vectors):
    """Return a function that opens a collection as settings and model server have it."""
    with (
        DocumentState(tmp_path / "state.sqlite") as state,
        PointStore(vectors.url, vectors.key) as store,
    ):
        targets = []

        def opened(name, models_url=None, **settings):
            plain = WorkerSettings(**settings)
            targets.append(open_target(store, state, name, plain, models_url))
            return targets[-1]

        opened.state, opened.store = state, store
        yield opened
        for target in targets:
            target.close()


def ollama():
    embeddings = {"embeddings": [[1.0, 0.0, 0.0]]}
    return fake_service(
        {
            "/api/tags": Canned({"models": [{"name": "nomic-embed-text:latest"}]}),
            "/api/embed": Canned(embeddings),
        }
    )


def test_without_a_model_server_a_new_collection_is_lexical(opening):
    target = opening("plain")

    assert ("plain--1", None) == (target.collection, target.embedder)
    assert ([], []) != target.lexical.document("words of a text")


def test_with_one_it_has_dense_vectors_of_its_model_and_keeps_them(opening):
    with ollama() as server:
        first = opening("both", server.address)
        second = opening("both", server.address)

    assert ("ollama", "nomic-embed-text", 3) == (
        first.embedder.name,
        first.embedder.model,
        first.embedder.dimension,
    )
    assert first.embedder.model == second.embedder.model
    assert 3 == opening.store.find("both")[1].dimension


def test_a_collection_made_with_a_model_server_is_not_filled_without(opening):
    with ollama() as server:
        opening("alone", server.address)

    with pytest.raises(SettingsError, match="model server"):
        opening("alone")


@pytest.mark.parametrize("asked", ["none", "ollama"])
def test_another_embedder_is_refused_with_the_way_out(opening, asked):
    opening("hashed", embedder="hash")

    with pytest.raises(SettingsError) as refused:
        opening("hashed", embedder=asked)
    assert "hash" in str(refused.value)
    assert "./beast reembed hashed --model" in refused.value.hint


def test_the_language_of_a_collection_outlives_the_setting(opening):
    words = "the words of the texts"
    before = opening("spoken", language="german").lexical.document(words)

    assert before == opening("spoken", language="english").lexical.document(words)
    assert before != opening("other", language="english").lexical.document(words)


def test_a_language_nobody_knows_makes_no_collection(opening):
    with pytest.raises(SettingsError, match="language"):
        opening("babel", language="klingon")
    assert opening.store.find("babel") is None


def test_nothing_is_known_of_a_collection_that_has_to_be_made(opening):
    opening.state.settle("fresh--1", [(Known("file://h/a", 1, 1, "x", "j"), {})])
    opening("fresh")

    assert 0 == opening.state.count("fresh--1")


def test_a_collection_that_is_filled_again_gets_the_indexes_it_lacks(opening):
    collection = opening("older", embedder="none").collection
    opening.store.call("DELETE", f"/collections/{collection}/index/path")

    opening("older", embedder="none")

    schema = opening.store.call("GET", f"/collections/{collection}")["payload_schema"]
    assert schema["path"]["params"]["prefix"] is True
