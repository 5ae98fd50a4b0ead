# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

from beast_ops.errors import SettingsError
from beast_ops.llm import embedder_for, embedder_of, probe
from beast_ops.testing import Canned, fake_service, free_port


def test_none_is_none_and_hash_needs_no_server():
    assert embedder_for("none", "m", None) is None
    assert "hash" == embedder_for("hash", "m", None).name


def test_auto_is_ollama_where_it_can_be_used(ollama):
    chosen = embedder_for("auto", "nomic-embed-text", ollama.url)

    assert ("ollama", "nomic-embed-text") == (chosen.name, chosen.model)
    assert embedder_for("auto", "absent", ollama.url) is None
    assert embedder_for("auto", "m", None) is None
    assert embedder_for("auto", "m", f"http://127.0.0.1:{free_port()}") is None
    chosen.close()


@pytest.mark.parametrize(
    ("kind", "message"), [("ollama", "there is no model server"), ("word2vec", "no such embedder")]
)
def test_what_cannot_be_is_refused(kind, message):
    with pytest.raises(SettingsError, match=message):
        embedder_for(kind, "m", None)


def test_the_embedder_of_a_collection_follows_its_metadata(ollama):
    assert embedder_of({}, None) is None
    assert embedder_of({"embedder": "none"}, None) is None
    assert 64 == embedder_of({"embedder": "hash", "dimension": 64}, None).dimension
    chosen = embedder_of({"embedder": "ollama", "model": "other:v1"}, ollama.url)
    assert "other:v1" == chosen.model
    chosen.close()


@pytest.mark.parametrize(
    ("model", "reason"),
    [("nomic-embed-text", None), ("other:v1", None), ("other", "ollama pull other")],
)
def test_probing_says_whether_the_model_is_there(ollama, model, reason):
    found = probe(ollama.url, model)

    assert (reason in found) if reason else (found is None)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(Canned(b"hello"), "like a model server"), (Canned(status=500), "answered 500")],
)
def test_probing_says_what_is_wrong_with_the_server(answer, reason):
    with fake_service({"/api/tags": answer}) as service:
        assert reason in probe(service.address, "m")


def test_probing_says_when_nobody_is_there():
    assert "does not answer" in probe(f"http://127.0.0.1:{free_port()}", "m")


def test_nothing_heavy_is_loaded_before_it_is_needed():
    code = "import sys, beast_ops.llm; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"numpy", "stamina", "qdrant_client"}.isdisjoint(loaded)
