# SPDX-License-Identifier: Apache-2.0
"""The verb `fit` with the double of Ollama, and what `models.pull` refuses."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from beast_ops.door import model_verbs, models
from beast_ops.door.fitting import change_words, fit
from beast_ops.errors import ModelError, PreflightError, UsageError
from beast_ops.fit import answer
from beast_ops.fit.answer import Wish, refuse
from beast_ops.fit.facts import COMPUTE, MIB
from beast_ops.fit.host import Host
from beast_ops.fit.plan import SYSTEM, Change, Part
from beast_ops.fit.standing import Standing
from beast_ops.llm.testing import DETAILS, WRITES, fake_ollama
from beast_ops.models.entry import Entry, Size
from beast_ops.models.registry import open_registry
from beast_ops.models.scan import scan
from beast_ops.place import Place
from beast_ops.testing import Canned, fake_service, free_port
from tests.gguf_files import model

GIB = 1024 * MIB


@pytest.fixture
def host(monkeypatch):
    """Return what sets the host and what surrounds the models."""

    def be(ram=None, vram=0, disk=500 * GIB, swap=0, begun=0, **said):
        memory = None if ram is None else int(ram * GIB) + SYSTEM
        found = Host(memory, vram, disk, swap=swap, begun=begun)
        monkeypatch.setattr(answer, "here", lambda _: found)
        monkeypatch.setattr(answer, "standing", lambda _: Standing(**said))

    return be


def asked(capsys, *models, code, **said):
    assert code == fit(Place(Path("/nowhere")), Wish(models, **said), json=True)
    return json.loads(capsys.readouterr().out)


def test_the_model_server_tells_what_it_has(host, capsys):
    with fake_ollama() as ollama:
        ollama.context = 131072
        host(ram=16, url=ollama.url, wanted=(WRITES,))

        found = asked(capsys, code=0)
        larger = asked(capsys, WRITES, code=1, context=65536, parallel=8)

    (model,) = found["models"]
    cache = 28 * 8 * 128 * 2 * 2 * 4096
    assert ("fits-on-cpu", 4096) == (found["verdict"], found["load"]["context"])
    assert "the model server" == model["source"]
    assert (True, DETAILS["size"], cache) == (model["here"], model["weights"], model["cache"])
    assert DETAILS["size"] + cache + COMPUTE == model["memory"]
    assert ("does-not-fit", "memory") == (larger["verdict"], larger["short"])
    assert 1 == larger["change"]["parallel"]


@pytest.mark.parametrize("configured", [False, True])
def test_without_a_model_server_the_table_knows(host, capsys, configured):
    host(ram=16, url=f"http://127.0.0.1:{free_port()}" if configured else None)

    (model,) = asked(capsys, "llama3.1:8b", code=0)["models"]

    assert "ollama.com/library/llama3.1" in model["source"]
    assert not model["here"]


def test_a_server_that_is_something_else_tells_nothing(host, capsys):
    with fake_service({"/api/tags": Canned({"models": [{"name": "x"}]})}) as fake:
        host(ram=16, url=fake.address)

        assert {"name": "x:latest", "known": False} in asked(capsys, "x", code=3)["models"]


def test_what_is_not_known_is_said(host, capsys):
    host(ram=16)

    assert 3 == fit(Place(Path("/nowhere")), Wish(("strange", "llama3.2:1b")), json=False)
    said = capsys.readouterr().out
    assert "nothing is known of it" in said
    assert "Not known" in said

    host(ram=None)
    assert "unknown" == asked(capsys, "llama3.1:8b", code=3)["verdict"]


def test_the_server_of_another_host_is_not_judged_by_this_one(host, capsys):
    host(ram=1, local=False)

    assert "unknown" == asked(capsys, "llama3.1:8b", code=3)["verdict"]
    refuse(Place(Path("/nowhere")), "llama3.1:8b", "--force")


def test_people_read_what_takes_what_and_what_helps(host, capsys):
    host(ram=7.2, others=(Part("qdrant (vector store)", GIB),))

    assert 1 == fit(Place(Path("/nowhere")), Wish(("llama3.1:8b",), 8192, 4), json=False)

    said = capsys.readouterr().out
    assert "weights 4.90 GB, cache 4.29 GB" in said
    assert "qdrant (vector store)" in said
    assert "Context 8192, 4 at once, cache in f16" in said
    assert "Does not fit in memory." in said
    assert "Cheapest change: 1 at once (ollama_parallel)." in said


def test_the_gpu_is_told(host, capsys):
    host(ram=16, vram=16 * GIB)
    assert 0 == fit(Place(Path("/nowhere")), Wish(("llama3.1:8b",)), json=False)
    assert "Fits on the GPU." in capsys.readouterr().out

    host(ram=16, vram=4 * GIB)
    assert 0 == fit(Place(Path("/nowhere")), Wish(("llama3.1:8b",)), json=False)
    assert "Fits on the CPU and the GPU." in capsys.readouterr().out


def test_every_change_has_its_words():
    assert (
        "2 at once (ollama_parallel), a context of 4096 (ollama_context_length), a cache in q8_0 "
        "(OLLAMA_KV_CACHE_TYPE, with flash attention), without judge (beast_api_rerank), weights "
        "as Q2_K"
    ) == change_words(Change(2, 4096, "q8_0", "judge", "Q2_K"))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ram": 2}, "takes 6.07 GB of memory"),
        ({"ram": 4.5}, "takes 6.07 GB of memory"),
        ({"ram": 64, "disk": 2 * GIB}, "takes 4.90 GB on the disk, where 2.15 GB are free"),
    ],
)
def test_what_only_another_model_could_help_is_not_fetched(host, said, words):
    host(**said)

    with pytest.raises(PreflightError, match=words) as refused:
        refuse(Place(Path("/nowhere")), "llama3.1:8b", "--force")

    assert "--force" in refused.value.hint


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("llama3.1:8b", {"ram": 16}),
        # A smaller context or a coarser cache would do.
        ("llama3.1:8b", {"ram": 5.4}),
        # Unknown refuses nothing.
        ("strange", {"ram": 1, "disk": 0}),
        ("llama3.1:8b", {"ram": None}),
        ("llama3.1:8b", {"ram": 1, "vram": None}),
        ("llama3.1:8b", {"ram": 16, "disk": None}),
        # Others may take less than their most, and what is not used can be swapped out.
        ("llama3.1:8b", {"ram": 8, "others": (Part("other", 7 * GIB),)}),
        ("llama3.1:8b", {"ram": 4, "swap": 4 * GIB}),
        # Most of it came already.
        ("llama3.1:8b", {"ram": 64, "disk": GIB, "begun": 4 * GIB}),
    ],
)
def test_what_might_fit_is_fetched(host, model, said):
    host(**said)

    refuse(Place(Path("/nowhere")), model, "--force")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(()), "no model is named"),
        (Wish(("a",), -1), "from 1 to"),
        (Wish(("a",), 1, 5000), "from 1 to"),
    ],
)
def test_words_that_make_no_sense_are_refused(host, wish, words):
    host(ram=16)

    with pytest.raises(UsageError, match=words):
        fit(Place(Path("/nowhere")), wish, json=False)


def test_only_force_fetches_what_cannot_fit(host, tmp_path, monkeypatch):
    host(ram=2)
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "services.json").touch()
    monkeypatch.setenv("BEAST_ROOT", str(tmp_path))
    fetched = []
    monkeypatch.setattr(models, "pull", lambda place, name, **_: fetched.append(name))  # noqa: ARG005 - the shape of what it replaces

    with pytest.raises(Exit, match=r"takes 6\.07 GB of memory"):
        model_verbs.pull(Context(), "llama3.1:8b")

    assert [] == fetched
    model_verbs.pull(Context(), "llama3.1:8b", force=True)
    assert ["llama3.1:8b"] == fetched


def test_a_file_tells_what_it_takes(host, capsys, tmp_path):
    file = tmp_path / "my.gguf"
    heads = {"head_count": 32, "head_count_kv": [8, 4], "key_length": 64, "value_length": 64}
    more = {f"llama.attention.{name}": each for name, each in heads.items()}
    file.write_bytes(model(tail=b"w" * 1000, **more))
    host(ram=16, disk=0)

    (found,) = asked(capsys, str(file), code=0)["models"]

    assert ("my.gguf", "the head of its file", True) == (
        found["name"],
        found["source"],
        found["here"],
    )
    assert file.stat().st_size == found["weights"]
    assert (12 * 128, 131072, 36) == (found["numbers"], found["context"], found["parameters"])


@pytest.mark.parametrize(("content", "error"), [(None, UsageError), (b"no model", ModelError)])
def test_a_file_that_is_no_model_is_refused(host, tmp_path, content, error):
    file = tmp_path / "x.gguf"
    if content is not None:
        file.write_bytes(content)
    host(ram=16)

    with pytest.raises(error):
        fit(Place(tmp_path), Wish((str(file),)), json=True)


def test_the_registry_tells_what_the_catalogue_does_not(host, capsys, tmp_path):
    place, file = Place(tmp_path), tmp_path / "folder/ours.gguf"
    host(ram=16)
    assert 3 == fit(place, Wish(("own:1b",)), json=True)
    assert [] == list(tmp_path.iterdir())  # a look makes nothing
    file.parent.mkdir()
    file.write_bytes(model(tail=b"w" * 1000))
    with open_registry(place) as registry:
        registry.register([Entry(id="own:1b", cache=10, sizes=(Size(bytes=3 * GIB),))])
        scan(registry, [], [file.parent])
    capsys.readouterr()

    assert 3 == fit(place, Wish(("own:1b", "ours")), json=True)

    own, ours = json.loads(capsys.readouterr().out)["models"]
    assert (3 * GIB, 10, "the registry") == (own["weights"], own["numbers"], own["source"])
    assert (file.stat().st_size, "the head of its file") == (ours["weights"], ours["source"])


def test_cards_that_share_a_model_are_told(host, capsys, monkeypatch):
    host(ram=16, vram=10 * GIB)
    seen = answer.here(())
    monkeypatch.setattr(answer, "here", lambda _: replace(seen, cards=(5 * GIB, 5 * GIB)))

    assert 0 == fit(Place(Path("/nowhere")), Wish(("llama3.1:8b",)), json=False)
    told = capsys.readouterr().out
    assert ["llama3.1:8b"] == asked(capsys, "llama3.1:8b", code=0)["spread"]
    assert "Fits on the GPUs, with llama3.1:8b spread over all 2 of them." in told


def test_what_orders_passages_counts_and_can_be_done_without(host, capsys):
    host(ram=7, reranker="llama3.2:3b")

    found = asked(capsys, "llama3.1:8b", code=1, context=2048)
    assert ["llama3.1:8b", "llama3.2:3b"] == [each["name"] for each in found["models"]]
    assert "llama3.2:3b" == found["change"]["without"]
    refuse(Place(Path("/nowhere")), "llama3.1:8b", "--force")

    host(ram=16, reranker="nobody-knows-it")
    assert 1 == len(asked(capsys, "llama3.1:8b", code=0)["models"])
