# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import Services, read_card
from beast_ops.fit.facts import MIB, Load
from beast_ops.fit.plan import Part
from beast_ops.fit.standing import load, standing
from beast_ops.place import Place
from beast_ops.release.build import Site, build
from beast_ops.release.wish import wish

API = {"name": "api", "role": "api", "ours": True, "user": "1:1", "process": ["x"], "port": 11}
VECTORS = {
    "name": "vectors",
    "role": "vectors",
    "image": "made/vectors:1",
    "process": ["y"],
    "user": "1:1",
    "port": 12,
    "health": {"deep": "vectors"},
    "volumes": {"points": "/points"},
    "resources": {"memory_mib": 2048},
}
OLLAMA = {
    "name": "models",
    "role": "models",
    "image": "made/models:1",
    "user": "1:1",
    "port": 13,
    "health": {"deep": "models"},
    "models": ["llama3.1:8b", "strange"],
    "environment": {"OLLAMA_NUM_PARALLEL": "2", "OLLAMA_CONTEXT_LENGTH": "8192"},
    "resources": {"memory_mib": 6000},
}
AWAY = {
    "name": "models",
    "role": "models",
    "external": "http://gpu.example:11434",
    "health": {"deep": "models"},
    "models": ["llama3.1:8b"],
}
HERE = {**AWAY, "external": "http://127.0.0.1:11434"}


def released(root, runtime, *cards):
    """Return a release of *cards*, and put it in force below *root*."""
    site = Site("beast", runtime, str(root), "1", "v1", {}, domain="d.example")
    made = build([read_card(card) for card in cards], site)
    services = Services(
        project="beast",
        runtime=runtime,
        root=str(root),
        data=str(root / "data" / "1"),
        services=tuple(made.services),
    )
    place = Place(root)
    place.current.mkdir(parents=True)
    place.services.write_text(services.model_dump_json())
    if runtime == "compose":
        lines = ["services:"]
        for name, said in made.definitions.items():
            lines += [f"  {name}:", f"    mem_limit: {said['mem_limit']}", "    environment:"]
            lines += [f"      {key}: '{value}'" for key, value in said["environment"].items()]
        (place.current / "compose.yml").write_text("\n".join(lines))
    return made, place


def test_containers_take_what_they_may(tmp_path):
    _, place = released(tmp_path, "compose", {**API, "environment": {"A": "b"}},
                        {**VECTORS, "environment": {"A": "b"}}, OLLAMA)  # fmt: skip

    found = standing(place)

    assert (
        Part("api", 512 * MIB),
        Part("vectors (vector store)", 2048 * MIB),
    ) == found.others
    assert (True, 6000 * MIB, (place.data,)) == (found.local, found.limit, found.stores)
    assert ("llama3.1:8b", "strange") == found.wanted
    assert Load(8192, 2) == load(found.settings, None)


def test_processes_take_what_a_card_says_that_says_nothing_or_what_they_keep(tmp_path):
    _, place = released(tmp_path, "embedded", API, VECTORS, HERE)
    kept = tmp_path / "data" / "1" / "points"
    kept.mkdir(parents=True)
    with (kept / "segment").open("wb") as file:
        file.truncate(600 * MIB)

    found = standing(place)

    api, vectors = found.others
    assert (Part("api", 512 * MIB), True, None) == (api, found.local, found.limit)
    assert 600 * MIB <= vectors.bytes < 601 * MIB


def test_a_server_elsewhere_is_not_of_this_host(tmp_path):
    _, place = released(tmp_path, "embedded", API, AWAY)

    assert not standing(place).local


def test_without_an_installation_nothing_is_in_the_way(tmp_path):
    found = standing(Place(tmp_path))

    assert ((), None, True, ()) == (found.others, found.url, found.local, found.wanted)


@pytest.mark.parametrize(
    ("vram", "context"),
    [(None, 4096), (0, 4096), (23 * 1024 * MIB, 32768), (48 * 1024 * MIB, 262144)],
)
def test_the_server_gives_more_context_to_more_memory(vram, context):
    assert Load(context) == load({"OLLAMA_CONTEXT_LENGTH": "0"}, vram)
    assert Load(context) == load({"OLLAMA_CONTEXT_LENGTH": "x"}, vram)


def test_a_cache_is_kept_as_the_server_is_told():
    assert "q8_0" == load({"OLLAMA_KV_CACHE_TYPE": "q8_0"}, None).cache


def test_the_wish_names_the_memory_of_models_that_are_known(tmp_path):
    made, _ = released(tmp_path, "compose", API, OLLAMA)

    found = wish(made)

    # 4.9 GB, 2 GiB of cache and 604 MiB of buffers.
    assert {"llama3.1:8b": 4900 * 10**6 // MIB + 2048 + 604} == found["model_memory"]
    assert 6000 == found["model_limit"]


def test_the_wish_says_nothing_of_models_elsewhere(tmp_path):
    made, _ = released(tmp_path, "embedded", API, AWAY)

    assert ({}, None) == (wish(made)["model_memory"], wish(made)["model_limit"])


def test_the_wish_says_something_of_a_server_on_the_same_host(tmp_path):
    made, _ = released(tmp_path, "embedded", API, HERE)

    assert {"llama3.1:8b": 4900 * 10**6 // MIB + 512 + 604} == wish(made)["model_memory"]


@pytest.mark.parametrize(
    ("rerank", "found"),
    [
        ({"by": "ollama", "model": "judge"}, "judge"),
        ({"by": "fastembed", "model": "judge"}, ""),  # in the memory that the API may take
        ({}, ""),
        ("no settings", ""),
    ],
)
def test_what_orders_passages_is_read_from_the_settings_of_the_api(tmp_path, rerank, found):
    content = {"rerank": rerank} if isinstance(rerank, dict) else rerank
    card = {**API, "health": {"deep": "api"}, "config": {"settings.json": content}}
    made, place = released(tmp_path, "embedded", card, HERE)
    for path, text in made.config.items():
        (place.config / path).parent.mkdir(parents=True, exist_ok=True)
        (place.config / path).write_text(text)

    assert found == standing(place).reranker


@pytest.mark.parametrize(
    ("said", "spread"), [("1", True), ("true", True), ("0", False), ("false", False), ("", False)]
)
def test_models_are_spread_where_it_is_said(said, spread):
    assert spread is load({"OLLAMA_SCHED_SPREAD": said}, 0).spread
