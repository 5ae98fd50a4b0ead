# SPDX-License-Identifier: Apache-2.0
"""The catalogue over the API: what is found, why, and whether it would fit."""

from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.fit import answer
from beast_ops.fit.host import Host
from beast_ops.llm.testing import fake_ollama
from beast_ops.models.entry import Entry
from beast_ops.models.registry import Registry, registry_file
from beast_ops.place import Place
from beast_ops.testing import serving
from tests.unit.api.conftest import TOKEN

GIB = 1 << 30


@pytest.fixture
def ask(stack, tmp_path, monkeypatch):
    """Return what asks an API on a host with eight GiB, that has llama3.2:latest."""
    monkeypatch.setattr(answer, "here", lambda _: Host(8 * GIB, 0, 500 * GIB))
    (tmp_path / "api").mkdir()
    with fake_ollama() as ollama:
        ollama.capabilities["llama3.1:8b"] = ["completion"]
        around = replace(stack.around, models_url=ollama.url, data=tmp_path)
        headers = {"authorization": f"Bearer {TOKEN}"}
        with (
            serving(build(around)) as address,
            http.client(address, headers=headers, seconds=20) as client,
        ):
            yield lambda **query: client.get("/models/catalogue", params=query)


def ids(found):
    return [each["id"] for each in found.json()["models"]]


def test_models_are_found_by_words_with_their_facts_and_sources(ask):
    found = ask(text="llama3.1:8b", limit=1)

    (model,) = found.json()["models"]
    assert ("llama3.1:8b", "Llama 3.1 8B", 131072) == tuple(
        model[name] for name in ("id", "name", "context")
    )
    assert (4_900_000_000, True) == (model["bytes"], model["here"])
    assert "https://ollama.com/library/llama3.1" == model["sources"]["bytes"]
    assert [] == model["why"]  # nobody said what for
    assert "fits-on-cpu" == model["fit"]["verdict"]
    assert model["fit"]["memory"] > model["fit"]["weights"]


def test_the_best_for_a_task_come_first_and_say_why(ask):
    found = ask(task="chat", max_gb=8, limit=3)

    models = found.json()["models"]
    assert 3 == len(models)
    assert all(each["bytes"] <= 8e9 for each in models)
    assert all("It is made for chat." in each["why"] for each in models)
    assert found.json()["passed_over"]["too large"] > 0


def test_what_does_not_fit_says_so_and_what_is_unknown_stays_empty(ask):
    large = ask(text="llama3.3").json()["models"][0]
    unknown = ask(text="mathstral").json()["models"][0]

    assert ("does-not-fit", "memory") == (large["fit"]["verdict"], large["fit"]["short"])
    assert ("unknown", None) == (unknown["fit"]["verdict"], unknown["fit"]["memory"])
    assert unknown["bytes"] is None


def test_words_and_a_task_together_narrow_it_down(ask):
    found = ask(text="qwen", task="code")

    assert set(ids(found)) >= {"qwen2.5-coder:7b", "qwen2.5-coder:14b"}
    assert all("code" in each["tasks"] for each in found.json()["models"])


@pytest.mark.parametrize(
    "query",
    [{"task": "cooking"}, {"family": "none"}, {"limit": 0}, {"limit": 101}, {"max_gb": -1},
     {"text": "x" * 201}, {"unknown": 1}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(ask, query):
    assert 422 == ask(**query).status_code


def test_the_registry_of_the_installation_counts_where_it_is_seen(ask, stack):
    file = registry_file(Place(stack.around.root).models)
    file.parent.mkdir(exist_ok=True)
    with Registry(file) as registry:
        registry.register([Entry(id="ours:1b", name="Ours", tasks=("chat",))])
    try:
        assert "ours:1b" in ids(ask(text="ours"))
    finally:
        for path in file.parent.glob("registry.sqlite*"):
            path.unlink()
    assert "ours:1b" not in ids(ask(text="ours"))
