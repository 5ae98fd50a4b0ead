# SPDX-License-Identifier: Apache-2.0
"""Who is in which network, and what everybody gets who wants what another stands before."""

import pytest

from beast_ops.cards import read_card
from beast_ops.compose.values import values
from beast_ops.errors import CardError
from beast_ops.keys import Handover
from beast_ops.release.build import Site, build
from beast_ops.release.gather import offered
from beast_ops.release.join import join
from beast_ops.release.networks import placed

ROUTE = {"host": "models", "auth": "forward"}


def a_card(name, **said):
    role = name.replace("-", "_")
    return read_card({"name": name, "role": role, "image": f"made/{name}:1", "user": "1:1", **said})


SERVER = a_card(
    "server", port=11434, networks=["models"], offers={"models": {"port": 11434}}, route=ROUTE
)
FRONT = a_card(
    "front-door",
    port=9,
    networks=["default", "models"],
    offers={"models": {"port": 9, "front": True}},
    wants={"models": {"url": "UPSTREAM"}},
    route={"host": "models", "auth": "own"},
)
READER = a_card(
    "reader-of",
    secrets={"models_token": {}},
    wants={"models": {"url": "URL", "key": "KEY_FILE", "token": "models_token", "scope": "write"}},
)


def release(*cards):
    return build(cards, Site("p", "compose", "/r", "1", "v", {}))


def test_who_stands_before_a_service_is_found_by_all_others():
    found = join([SERVER, FRONT, READER], "/r/secrets", "compose")

    assert {
        "URL": "http://front-door:9",
        "KEY_FILE": "/run/secrets/models_token",
    } == found["reader-of"].environment
    assert {
        "UPSTREAM": "http://server:11434",
        "BEAST_CLIENTS": "reader-of=write",
    } == found["front-door"].environment
    assert (Handover("front-door", "client_reader_of", "reader-of", "models_token"),) == found[
        "front-door"
    ].handovers


def test_without_anybody_before_it_a_service_is_found_by_itself_and_no_token_is_shown():
    found = join(placed([SERVER, READER], "compose"), "/r/secrets", "compose")

    assert {"URL": "http://server:11434"} == found["reader-of"].environment


def test_a_service_is_shut_off_while_something_stands_before_it():
    made = release(SERVER, FRONT, READER)
    said = {name: each.get("networks") for name, each in made.definitions.items()}

    assert {"server": ["models"], "front-door": ["default", "models"], "reader-of": None} == said
    assert {"default": "p", "models": "p-models"} == values("p", "/r", made.definitions)["networks"]


def test_who_would_be_alone_in_a_network_is_in_the_one_all_share():
    made = release(SERVER, READER)

    assert "networks" not in made.definitions["server"]
    assert {"default": "p"} == values("p", "/r", made.definitions)["networks"]


def test_a_network_is_none_where_nothing_is_in_a_container():
    assert {("default",)} == {each.networks for each in placed([SERVER, FRONT], "embedded")}


def test_what_stands_before_a_service_has_its_route_and_its_place_among_containers():
    made = release(SERVER, FRONT, READER).services

    assert made.service("server").route is None
    assert "own" == made.service("front-door").route.auth
    assert "http://front-door:9" == made.service("server").inside
    assert "http://127.0.0.1:11434" == made.service("server").address
    assert {"models": "front-door:9"} == offered([FRONT, SERVER]) == offered([SERVER, FRONT])


def test_a_neighbour_has_something_before_it_as_well():
    away = read_card(
        {**SERVER.model_dump(exclude={"image", "user"}), "external": "http://models.test:1"}
    )
    made = release(away, FRONT, READER)

    assert "http://models.test:1" == made.definitions["front-door"]["environment"]["UPSTREAM"]
    assert "http://front-door:9" == made.definitions["reader-of"]["environment"]["URL"]
    assert "networks" not in made.definitions["front-door"]


@pytest.mark.parametrize(
    ("cards", "says"),
    [
        ([FRONT], "front-door wants models, which no enabled service offers"),
        ([SERVER, FRONT, FRONT.model_copy(update={"name": "x", "port": 8})], "offered by"),
        ([SERVER, SERVER.model_copy(update={"name": "x", "port": 8})], "offered by"),
        (
            [SERVER, FRONT, READER.model_copy(update={"secrets": {}})],
            "reader-of wants models, and has no token to show for it",
        ),
        (
            [
                SERVER,
                a_card("other", networks=["models"]),
                a_card("lost", wants={"models": {"url": "URL"}}),
            ],
            "lost and server, which it wants, are in no network together",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(cards, says):
    with pytest.raises(CardError, match=says):
        join(placed(cards, "compose"), "/r/secrets", "compose")
