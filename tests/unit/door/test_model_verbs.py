# SPDX-License-Identifier: Apache-2.0
"""The verbs of models that need no service: registry, disks and versions."""

import json

import pytest

from beast_ops.door import model_disk, model_versions, registry
from beast_ops.errors import MissingError, UsageError
from beast_ops.place import Place
from tests.gguf_files import model
from tests.ollama_store import put_model

SEARCH = {"family": "", "tag": (), "max_gb": "", "limit": 20}
ADVICE = {"max_gb": "", "min_rating": "", "limit": 3}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("OLLAMA_MODELS", raising=False)
    return tmp_path


@pytest.fixture
def place(home):
    return Place(home / "beast")


@pytest.fixture
def store(home):
    root = home / ".ollama" / "models"
    put_model(root, "llama3.2:3b", model())
    return root


@pytest.fixture
def said(capsys):
    def both(act, *args, **kwargs):
        code = act(*args, **kwargs, json=True)
        found = json.loads(capsys.readouterr().out)
        assert code == act(*args, **kwargs, json=False)
        return found, capsys.readouterr().out, code

    return both


def test_a_search_shows_models_one_a_line(place, said):
    found, text, code = said(registry.search, place, "coder", {**SEARCH, "family": "qwen"})

    assert 0 == code
    assert all("coder" in each["id"] for each in found["models"])
    assert [each["id"] for each in found["models"]] == [
        line.split()[0] for line in text.splitlines()
    ]
    assert "7.61B" in text


def test_a_search_that_finds_nothing_says_so(place, said):
    found, text, code = said(registry.search, place, "nothing like it", SEARCH)

    assert ({"models": []}, 1) == (found, code)
    assert "no such model" in text


@pytest.mark.parametrize(
    "wrong",
    [{"family": "none"}, {"max_gb": "much"}, {"max_gb": "0"}, {"max_gb": "nan"}, {"limit": 0}],
)
def test_what_makes_no_sense_is_refused(place, wrong):
    with pytest.raises(UsageError):
        registry.search(place, "x", {**SEARCH, **wrong}, json=True)


@pytest.mark.usefixtures("store")
def test_a_model_is_shown_with_the_sources_of_its_values(place, said, capsys):
    model_disk.scan(place, (), every=False, json=True)
    capsys.readouterr()
    found, text, _ = said(registry.show, place, "llama3.2:3b")

    assert "llama3.2:3b" == found["model"]["id"]
    assert found["model"]["sources"]["context"] in text
    assert found["instances"][0]["path"] in text


def test_a_recommendation_says_why(place, said):
    found, text, code = said(registry.recommend, place, "chat", {**ADVICE, "max_gb": "8"})

    assert 0 == code
    assert 3 == len(found["models"])
    for pick in found["models"]:
        assert pick["size"]["bytes"] <= 8e9
        assert all(why in text for why in pick["why"])
    assert "Passed over: " in text
    nothing, _, code = said(registry.recommend, place, "image", {**ADVICE, "min_rating": "5"})
    assert (1, []) == (code, nothing["models"])
    with pytest.raises(UsageError, match="no such task"):
        registry.recommend(place, "cooking", ADVICE, json=True)


def test_models_are_carried_from_one_registry_to_another(place, home, said, capsys):
    file = home / "models.json"
    file.write_text('{"version": 1, "models": [{"id": "mine:1b", "tags": ["own"]}]}')
    found, text, _ = said(registry.bring_in, place, str(file))
    assert ({"registered": 1}, "1 models are registered.\n") == (found, text)
    registry.export(place, str(home / "out.json"), everything=False)
    capsys.readouterr()
    registry.export(place, "", everything=False)

    assert json.loads(file.read_text()) == json.loads((home / "out.json").read_text())
    assert json.loads(file.read_text()) == json.loads(capsys.readouterr().out)
    with pytest.raises(UsageError, match="cannot be read"):
        registry.bring_in(place, str(home / "none.json"), json=True)


@pytest.mark.usefixtures("store")
def test_a_scan_shows_what_is_new_what_is_the_same_and_what_is_no_model(place, home, capsys):
    folder = home / "files"
    folder.mkdir()
    (folder / "same.gguf").write_bytes(model())
    (folder / "bad.gguf").write_bytes(b"GGUF")
    model_disk.scan(place, (str(folder),), every=False, json=False)
    text = capsys.readouterr().out
    assert "new llama3.2:3b" in text
    assert "new same" in text
    assert "no model: " in text
    assert "could be free" in text
    (folder / "same.gguf").unlink()
    model_disk.scan(place, (), every=False, json=True)
    found = json.loads(capsys.readouterr().out)

    assert [str(folder / "same.gguf")] == found["gone"]
    assert [str(folder / "bad.gguf")] == [each["path"] for each in found["refused"]]
    assert ["llama3.2:3b"] == [each["model"] for each in found["instances"]]
    with pytest.raises(UsageError, match="no such folder"):
        model_disk.scan(place, (str(home / "none"),), every=False, json=False)


def test_the_room_of_models_is_shown(place, store, said, capsys):
    (store / "blobs" / "sha256-abc-partial").write_bytes(b"x" * 10000)
    model_versions.snapshot(place, "llama3.2:3b", json=True)
    capsys.readouterr()
    found, text, _ = said(model_disk.disk, place)

    assert found["bytes"] == found["instances"][0]["bytes"] > len(model())
    assert str(store / "blobs") == found["places"][0]["path"]
    assert found["unfinished_bytes"] >= 10000
    assert found["versions_bytes"] > len(model())
    assert "not finished" in text


def test_versions_are_kept_listed_put_back_and_deleted(place, store, said, capsys):
    first, text, _ = said(model_versions.snapshot, place, "llama3.2:3b")
    version = first["version"]["version"]
    assert f"version {version}" in text
    put_model(store, "llama3.2:3b", model("Another"))
    model_versions.rollback(place, "llama3.2:3b", "", json=False)
    text = capsys.readouterr().out
    assert f"is version {version} now" in text
    back = text.split()[-1]
    found, text, code = said(model_versions.listed, place, "llama3.2:3b", verify=True)

    assert ([version, back], 0) == ([each["version"] for each in found["versions"]], code)
    assert all(each["damaged"] == [] for each in found["versions"])
    model_versions.rollback(place, "llama3.2:3b", back, json=True)
    assert version == json.loads(capsys.readouterr().out)["before"]["version"]
    model_versions.forget(place, "llama3.2:3b", version, json=False)
    assert f"Version {version} of llama3.2:3b is deleted." in capsys.readouterr().out
    model_versions.forget(place, "llama3.2:3b", back, json=True)
    assert back == json.loads(capsys.readouterr().out)["deleted"]["version"]
    assert "No version is kept" in said(model_versions.listed, place, "", verify=False)[1]


def test_a_damaged_version_shows(place, home, said, capsys):
    file = home / "a.gguf"
    file.write_bytes(model())
    model_versions.snapshot(place, str(file), json=False)
    assert "is kept as version" in capsys.readouterr().out
    (blob,) = (place.models / "versions" / "blobs").iterdir()
    blob.unlink()
    _, text, code = said(model_versions.listed, place, str(file), verify=True)

    assert 1 == code
    assert "damaged" in text


@pytest.mark.usefixtures("home", "store")
def test_a_model_that_is_nowhere_is_told(place):
    with pytest.raises(MissingError, match="does not have"):
        model_versions.snapshot(place, "other:1b", json=True)
    with pytest.raises(MissingError, match="no such file"):
        model_versions.snapshot(place, "./none.gguf", json=True)


@pytest.mark.usefixtures("home")
def test_a_host_without_a_store_is_told(place, monkeypatch):
    monkeypatch.setattr("beast_ops.models.places.USUAL", ("~/.ollama/models",))
    with pytest.raises(MissingError, match="no store"):
        model_versions.snapshot(place, "other:1b", json=True)
