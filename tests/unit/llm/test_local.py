# SPDX-License-Identifier: Apache-2.0
"""Embedders that run here: from a folder on disk and from nowhere else."""

import json
import shutil
import socket
import sys
import types

import numpy as np
import pytest

from beast_ops.errors import SettingsError
from beast_ops.llm import TextError, embedder_for, embedder_of, folder
from beast_ops.llm.folder import ModelFolder
from beast_ops.llm.prefixes import Prefixes
from beast_ops.llm.whole import embed_whole, halves
from tests import tiny_models


@pytest.fixture
def models(tmp_path):
    tiny_models.embedder(tmp_path / "tiny")
    return tmp_path


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*address):
        raise AssertionError(f"a connection to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def fast(models, model="tiny"):
    return embedder_for("fastembed", model, None, str(models))


def test_a_folder_on_disk_makes_vectors_without_a_network(models):
    embedder = fast(models)

    rows = embedder.embed_documents(["cat dog", "moon", "dog cat"])

    assert (3, 8) == rows.shape
    assert ("fastembed", "tiny", 8) == (embedder.name, embedder.model, embedder.dimension)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.allclose(rows[0], rows[2], atol=1e-5)
    assert not np.allclose(rows[0], rows[1], atol=0.1)
    assert np.allclose(rows[1], embedder.embed_query("moon"), atol=1e-5)
    embedder.close()


def test_rows_stay_in_place_whatever_their_length(models):
    embedder = fast(models)
    texts = ["cat " * (number % 7 + 1) + "moon " * (number % 3) for number in range(50)]

    rows = embedder.embed_documents(texts)

    for text, row in zip(texts, rows, strict=True):
        assert np.allclose(embedder.embed_query(text), row, atol=1e-5)


def test_the_prompts_of_the_folder_stand_before_texts(tmp_path):
    tiny_models.embedder(tmp_path / "asked", query="query: ", document="passage: ")
    tiny_models.embedder(tmp_path / "plain")
    asked, plain = fast(tmp_path, "asked"), fast(tmp_path, "plain")

    assert Prefixes("passage: ", "query: ") == asked.prefixes
    assert np.allclose(
        asked.embed_documents(["cat"]), plain.embed_documents(["passage : cat"]), atol=1e-5
    )
    assert np.allclose(asked.embed_query("cat"), plain.embed_query("query : cat"), atol=1e-5)


def test_what_was_recorded_wins_over_the_folder(tmp_path):
    tiny_models.embedder(tmp_path / "tiny", query="query: ")
    said = {
        "embedder": "fastembed",
        "model": "tiny",
        "dimension": 8,
        "prefixes": {"document": "search: ", "query": ""},
    }

    embedder = embedder_of(said, None, str(tmp_path))

    assert Prefixes("search: ", "") == embedder.prefixes


def test_another_model_in_the_same_folder_is_refused_with_the_way_out(tmp_path):
    tiny_models.embedder(tmp_path / "tiny", dimension=4)
    said = {"embedder": "fastembed", "model": "tiny", "dimension": 8}

    with pytest.raises(SettingsError, match="4 numbers now, the collection has 8") as refused:
        embedder_of(said, None, str(tmp_path))
    assert "reembed" in refused.value.hint


def test_texts_that_are_too_long_are_named_and_embedded_whole_by_pieces(models):
    embedder, long = fast(models), "cat " * 10 + "moon " * 10

    with pytest.raises(TextError) as refused:
        embedder.embed_documents(["cat", long])
    assert {1} == refused.value.long
    whole = embed_whole(embedder, ["cat", long, "moon"])
    assert {1} == whole.cut
    pieces = halves(long)
    mean = sum(len(each) * np.array(embedder.embed_query(each)) for each in pieces)
    assert np.allclose(mean / np.linalg.norm(mean), whole.vectors[1], atol=1e-5)


def test_the_identity_is_that_of_the_files(models):
    before = fast(models).identity()
    assert before == fast(models).identity()

    shutil.copytree(models / "tiny", models / "other")
    tiny_models.embedder(models / "tiny", dimension=8, longest=20)

    assert before != fast(models).identity()
    assert before == fast(models, "other").identity()


@pytest.mark.parametrize(
    ("kind", "model", "place", "said"),
    [
        ("fastembed", "tiny", "", "none is set"),
        ("fastembed", "absent", None, "no such model on disk"),
        ("fastembed", "../tiny", None, "not the name of a folder"),
        ("fastembed", "", None, "not the name of a folder"),
        ("fastembed", ".", None, "not the name of a folder"),
        ("sentence-transformers", "tiny", None, "not installed"),
    ],
)
def test_what_is_not_there_is_named(models, kind, model, place, said):
    with pytest.raises(SettingsError, match=said):
        embedder_for(kind, model, None, str(models) if place is None else place)


@pytest.mark.parametrize("gone", ["tokenizer.json", "onnx/model.onnx", "tokenizer_config.json"])
def test_a_folder_that_lacks_a_file_is_refused_before_anything_is_loaded(models, gone):
    (models / "tiny" / gone).unlink()

    with pytest.raises(SettingsError, match=gone):
        fast(models)


def test_a_folder_that_does_not_say_its_dimension_is_refused(models):
    (models / "tiny" / "config.json").write_text("{}")
    (models / "tiny" / "1_Pooling" / "config.json").write_text("no JSON")

    with pytest.raises(SettingsError, match="hidden_size"):
        fast(models)


def test_a_step_that_fastembed_does_not_know_is_refused(models):
    steps = [{"type": "x.Transformer", "path": ""}, {"type": "x.Dense", "path": "2_Dense"}]
    (models / "tiny" / "modules.json").write_text(json.dumps(steps))

    with pytest.raises(SettingsError, match="Dense"):
        fast(models)


@pytest.mark.parametrize(
    ("files", "longest"),
    [
        ({}, 512),
        ({"tokenizer_config.json": {"model_max_length": 1e30}}, 512),
        ({"config.json": {"max_position_embeddings": 300}}, 300),
        (
            {
                "tokenizer_config.json": {"model_max_length": 512},
                "sentence_bert_config.json": {"max_seq_length": 256},
            },
            256,
        ),
        ({"sentence_bert_config.json": {"max_seq_length": None}}, 512),
        ({"config.json": ["no object"]}, 512),
    ],
)
def test_how_much_a_model_reads_is_the_least_that_is_said(tmp_path, files, longest):
    for name, said in files.items():
        (tmp_path / name).write_text(json.dumps(said))

    assert longest == ModelFolder(tmp_path, "m").longest


def test_a_dense_step_decides_the_dimension(tmp_path):
    steps = [
        {"type": "x.Transformer", "path": ""},
        {"type": "x.Pooling", "path": "1"},
        {"type": "x.Dense", "path": "2"},
    ]
    for name, said in {
        "modules.json": steps,
        "1/config.json": {"word_embedding_dimension": 384},
        "2/config.json": {"out_features": 64},
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(json.dumps(said))

    assert 64 == ModelFolder(tmp_path, "m").dimension


def test_prompts_that_are_no_prompts_are_none(tmp_path):
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": ["query: "]}')

    assert Prefixes() == ModelFolder(tmp_path, "m").prefixes
    assert "search_query: " == ModelFolder(tmp_path, "nomic-embed-text").prefixes.query


class Sentences:
    """Stands in for sentence-transformers, which brings gigabytes: refuses what is not said."""

    def __init__(self, path, *, device, local_files_only, trust_remote_code):
        assert (device, local_files_only, trust_remote_code) == ("cpu", True, False)
        assert path.endswith("tiny")

    def encode(self, texts, *, batch_size, normalize_embeddings, show_progress_bar):
        assert (normalize_embeddings, show_progress_bar) == (True, False)
        assert batch_size
        return np.array([[len(text)] + [0] * 7 for text in texts], np.float32)


def test_sentence_transformers_is_asked_to_stay_offline(models, monkeypatch):
    double = types.ModuleType("sentence_transformers")
    double.SentenceTransformer = Sentences
    monkeypatch.setitem(sys.modules, "sentence_transformers", double)
    monkeypatch.setattr(folder, "find_spec", lambda _: object())

    embedder = embedder_for("sentence-transformers", "tiny", None, str(models))

    assert [3, 7] == [int(row[0]) for row in embedder.embed_documents(["cat", "dog cat"])]
    assert "sentence-transformers" == embedder.name
