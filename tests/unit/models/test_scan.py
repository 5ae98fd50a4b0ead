# SPDX-License-Identifier: Apache-2.0
"""What lies on the disks is noted with its use, and what lies there twice is found."""

import hashlib
import os
from pathlib import Path

import pytest

from beast_ops.errors import MissingError, ModelError
from beast_ops.models.entry import Entry
from beast_ops.models.manifests import MOST_BYTES, name_of, parse, path_of, stored
from beast_ops.models.places import stores
from beast_ops.models.registry import Registry
from beast_ops.models.scan import duplicates, scan
from beast_ops.models.stores import HEADER
from beast_ops.place import Place
from tests.gguf_files import gguf, model
from tests.ollama_store import put_model


@pytest.fixture
def registry(tmp_path):
    with Registry(tmp_path / "registry.sqlite") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "files"
    (path / "deep").mkdir(parents=True)
    return path


@pytest.fixture
def root(tmp_path):
    return tmp_path / "ollama" / "models"


def read_at(path, seconds):
    """Let the file look as if it had been read so many seconds after it was written."""
    status = path.stat()
    os.utime(path, (status.st_mtime + seconds, status.st_mtime))


def test_files_become_models_with_what_their_heads_say(registry, folder):
    (folder / "deep" / "Tiny Llama.gguf").write_bytes(model("Tiny"))
    (folder / "readme.md").write_text("no model")
    (folder / ".hidden.gguf").write_bytes(model())
    found = scan(registry, [], [folder])
    entry = registry.get("deep/Tiny-Llama")

    assert ["deep/Tiny-Llama"] == [each.model for each in found.instances]
    assert (str(folder / "deep" / "Tiny Llama.gguf"),) == found.new
    assert ("llama", 10**9, 131072, "Q4_K_M", "apache-2.0") == (
        entry.family,
        entry.parameters,
        entry.context,
        entry.quantization,
        entry.license,
    )
    assert {"parameters": "general.size_label", "context": HEADER}.items() <= entry.sources.items()


@pytest.mark.parametrize(
    ("kind", "name", "family"),
    [
        *[("llama", "Mistral 7B", "mistral"), ("llama", "x", "llama"), ("qwen3moe", "x", "qwen")],
        *[("gemma3", "x", "gemma"), ("bert", "x", "other"), ("phi3", "x", "phi")],
    ],
)
def test_families_are_told_by_architecture_and_name(registry, folder, kind, name, family):
    values = {"general.architecture": kind, "general.name": name}
    (folder / "some.gguf").write_bytes(gguf(values))
    scan(registry, [], [folder])

    assert family == registry.get("some").family
    assert (("embedding",) if kind == "bert" else ()) == registry.get("some").tasks


def test_models_of_an_ollama_are_noted_with_their_digests(registry, root):
    put_model(root, "llama3.2:3b", model())
    put_model(root, "own/thing", b"no GGUF at all")
    put_model(root, "broken", b"weights that go")
    (root / "blobs" / f"sha256-{hashlib.sha256(b'weights that go').hexdigest()}").unlink()
    (root / "manifests" / path_of("damaged:1b")).parent.mkdir(parents=True)
    (root / "manifests" / path_of("damaged:1b")).write_bytes(b"{}")
    found = scan(registry, [root], [])

    assert ["llama3.2:3b", "own/thing:latest"] == sorted(each.model for each in found.instances)
    one = registry.instances("llama3.2:3b")[0]
    assert hashlib.sha256(model()).hexdigest() == one.sha256
    assert one.bytes > len(model())
    assert {"a part of it is missing", "this file is no GGUF file"} == {
        each.why for each in found.refused
    }
    assert "own/thing:latest" == registry.get("own/thing").id


def test_what_somebody_registered_stays_as_it_is(registry, root):
    ours = Entry(id="tiny:1b", context=7, family="phi")
    registry.register([ours])
    put_model(root, "tiny:1b", model())
    found = scan(registry, [root], [])

    assert ours == registry.get("tiny:1b")
    assert ["tiny:1b"] == [each.model for each in found.instances]
    (root / "manifests" / path_of("tiny:1b")).unlink()
    assert () == scan(registry, [root], []).instances
    assert ours == registry.get("tiny:1b")


def test_what_is_gone_is_forgotten(registry, folder):
    path = folder / "a.gguf"
    path.write_bytes(model())
    scan(registry, [], [folder])
    path.unlink()
    found = scan(registry, [], [folder])

    assert ((str(path),), ()) == (found.gone, found.instances)
    with pytest.raises(MissingError):
        registry.get("a")


def test_uses_are_counted_from_scan_to_scan(registry, folder):
    path = folder / "a.gguf"
    path.write_bytes(model())

    def uses():
        return [(each.uses, each.last_used) for each in scan(registry, [], [folder]).instances]

    assert [(0, None)] == uses()
    read_at(path, 5000)
    assert [(1, path.stat().st_mtime + 5000)] == uses()
    assert 1 == uses()[0][0]
    read_at(path, 9000)
    assert (2, path.stat().st_mtime + 9000) == uses()[0]


def test_our_own_reading_is_no_use(registry, folder):
    for name in ("a", "b"):
        (folder / f"{name}.gguf").write_bytes(model())
    for _ in range(3):
        found = scan(registry, [], [folder], every=True)

    assert [0, 0] == [each.uses for each in found.instances]


def test_the_same_content_is_found_wherever_it_lies(registry, folder, root):
    put_model(root, "tiny:1b", model())
    (folder / "a.gguf").write_bytes(model())
    (folder / "b.gguf").hardlink_to(folder / "a.gguf")
    (folder / "c.gguf").write_bytes(model("Another One"))
    (same,) = duplicates(scan(registry, [root], [folder]).instances)

    assert hashlib.sha256(model()).hexdigest() == same.sha256
    assert 3 == len(same.paths)
    assert len(model()) == same.wasted


def test_two_names_of_one_file_waste_nothing(registry, folder):
    (folder / "a.gguf").write_bytes(model())
    (folder / "b.gguf").hardlink_to(folder / "a.gguf")

    assert [0] == [each.wasted for each in duplicates(scan(registry, [], [folder]).instances)]


def test_only_files_that_can_be_the_same_are_hashed_and_only_once(registry, folder, monkeypatch):
    from beast_ops.models import scan as module

    hashed = []
    real = module.hash_files
    monkeypatch.setattr(
        module, "hash_files", lambda paths: real(hashed.append(each) or each for each in paths)
    )
    for name, content in {"a": "same", "b": "also", "c": "longer name"}.items():
        (folder / f"{name}.gguf").write_bytes(model(content))
    scan(registry, [], [folder])
    scan(registry, [], [folder])

    assert {"a.gguf", "b.gguf"} == {path.name for path in hashed}
    assert 2 == len(hashed)
    scan(registry, [], [folder], every=True)
    assert ["c.gguf"] == [path.name for path in hashed[2:]]


def test_a_file_that_was_replaced_is_hashed_again(registry, folder):
    path, other = folder / "a.gguf", folder / "b.gguf"
    path.write_bytes(model("one"))
    other.write_bytes(model("two"))
    assert [] == duplicates(scan(registry, [], [folder]).instances)
    (folder / "half").write_bytes(model("two"))
    (folder / "half").replace(path)

    assert 1 == len(duplicates(scan(registry, [], [folder]).instances))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("llama3.2:3b", "registry.ollama.ai/library/llama3.2/3b"),
        ("llama3.2", "registry.ollama.ai/library/llama3.2/latest"),
        ("own/thing:1b", "registry.ollama.ai/own/thing/1b"),
        ("hf.co/own/thing:Q4_K_M", "hf.co/own/thing/Q4_K_M"),
    ],
)
def test_names_are_paths(name, path):
    assert Path(path) == path_of(name)
    assert name_of(Path(path)) == (name if ":" in name else f"{name}:latest")


@pytest.mark.parametrize(
    "content",
    [
        *[b"", b"[]", b"{}", b'{"config": 1, "layers": []}', b"[" * 100000],
        b'{"config": {"digest": "sha256:../../x"}, "layers": []}',
        b'{"config": {"digest": 5}, "layers": []}',
        b" " * (MOST_BYTES + 1),
    ],
)
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(ModelError, match="no manifest"):
        parse(content, "x")


def test_a_store_without_models_has_none(tmp_path):
    assert [] == list(stored(tmp_path))


def test_stores_are_found_where_they_can_be(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    usual, named = tmp_path / ".ollama" / "models", tmp_path / "elsewhere"
    put_model(usual, "a", b"a")
    put_model(named, "a", b"a")
    place = Place(tmp_path / "beast")

    assert [named, usual] == stores(place, {"OLLAMA_MODELS": str(named)})[:2]
    assert usual in stores(place, {"OLLAMA_MODELS": str(tmp_path / "none")})
    assert 1 == stores(place, {"OLLAMA_MODELS": str(usual)}).count(usual)
