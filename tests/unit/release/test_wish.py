# SPDX-License-Identifier: Apache-2.0
import dataclasses

import pytest

from beast_ops.cards import read_card
from beast_ops.release.build import Site, build
from beast_ops.release.wish import wish

SITE = Site("beast", "compose", "/r", "1", "v1", {}, domain="d.example")
CARDS = [
    {
        "name": "door",
        "role": "door",
        "image": "made/door:1",
        "user": "1:1",
        "port": 8080,
        "publish": [
            {"port": 443, "target": 8443},
            {"address": "10.0.0.1", "port": 80, "target": 1},
        ],
        "resources": {"memory_mib": 256},
    },
    {"name": "api", "role": "api", "ours": True, "user": "1:1", "process": ["x"], "port": 11},
    {"name": "agent", "role": "agent", "place": "host", "process": ["x"], "port": 12},
    {"name": "away", "role": "away", "external": "http://a.example:1", "port": 99},
]


def wished(*further, **said):
    site = dataclasses.replace(SITE, **said)
    return wish(build([read_card(card) for card in (*CARDS, *further)], site))


def contained(**said):
    return {"name": "more", "role": "more", "image": "made/more:1", "user": "1:1", **said}


def test_every_port_is_named_with_its_address_and_its_service():
    assert [
        {"address": "127.0.0.1", "port": 8080, "service": "door"},
        {"address": "127.0.0.1", "port": 11, "service": "api"},
        {"address": "127.0.0.1", "port": 12, "service": "agent"},
        {"address": "0.0.0.0", "port": 443, "service": "door"},
        {"address": "10.0.0.1", "port": 80, "service": "door"},
    ] == wished()["listens"]


def test_only_images_of_others_must_be_fetched():
    assert ["made/door:1"] == wished()["images"]


def test_limits_of_memory_are_numbers_by_service():
    assert {"door": 256, "api": 512} == wished()["limits"]


def test_it_says_whose_wish_it_is():
    found = wished()

    assert ("compose", "beast") == (found["runtime"], found["project"])


def test_processes_need_ports_and_nothing_of_containers():
    found = wished(runtime="embedded")

    assert ([], {}) == (found["images"], found["limits"])
    assert [11, 12] == [each["port"] for each in found["listens"]]


def test_nothing_is_asked_of_gpus_models_and_authorities_that_no_service_wants():
    found = wished()

    assert (False, [], "") == (found["gpu"], found["models"], found["acme"])


def test_a_service_that_uses_a_gpu_has_one_looked_for():
    assert wished(contained(gpu=True))["gpu"]
    assert not wished(contained(gpu=True, process=["x"]), runtime="embedded")["gpu"]


def test_models_that_are_to_be_pulled_here_need_room():
    here = contained(models=["mistral", "bge-m3"])
    away = {"name": "pool", "role": "pool", "external": "http://a.example:2", "models": ["big"]}

    assert ["bge-m3", "mistral"] == wished(here, away)["models"]


def test_the_names_of_the_front_door_are_those_below_the_domain():
    shown = contained(port=9, route={"host": "chat", "auth": "own"})

    assert [] == wished()["names"]
    assert ["chat.d.example"] == wished(shown)["names"]
    assert [] == wished(shown, domain=None)["names"]


@pytest.mark.parametrize("way", ["http", "dns"])
def test_a_domain_that_a_public_authority_certifies_must_be_found(way):
    assert way == wished(contained(acme=way))["acme"]
