# SPDX-License-Identifier: Apache-2.0
import asyncio
from urllib.parse import urlsplit

import pytest

from beast_ops.audit.access import refusals
from beast_ops.audit.finding import Weight
from beast_ops.card_parts import Metrics, Publish, Route
from beast_ops.cards import Services
from beast_ops.testing import Canned, a_service, fake_service, free_port


@pytest.fixture
def knock(place):
    """Knock at some services behind a front door at an address."""

    def knocking(address, *behind):
        port = urlsplit(address).port
        door = a_service(
            "door",
            publish=(Publish(address="127.0.0.1", port=port, target=port),),
            certificate=None,
        )
        found = Services(
            project="beast",
            runtime="compose",
            root=str(place.root),
            data=str(place.root),
            domain="lan",
            services=(door, *behind),
        )
        return asyncio.run(refusals(found, place.secrets))

    return knocking


def routed(auth="basic", **more):
    return a_service("tool", route=Route(host="tool", auth=auth, **more))


def told(findings):
    return [(each.id, each.weight, each.message) for each in findings]


def test_who_is_refused_everywhere_finds_nothing(knock):
    with fake_service({"/": Canned(status=401)}) as door:
        found = knock(door.address, routed())

    assert [] == told(found)
    hosts = [(asked.path, asked.headers["host"]) for asked in door.asked]
    assert [("/", "tool.lan")] * 2 == hosts
    logins = {asked.headers.get("authorization") for asked in door.asked}
    assert {None, "Basic bm9ib2R5Om5vdGhpbmc="} == logins


def test_a_route_that_lets_everybody_in_is_a_failure(knock):
    with fake_service({"/": Canned(b"welcome")}) as door:
        found = knock(door.address, routed())

    assert [
        ("login-missing", Weight.FAILURE, "https://tool.lan/ answers 200 to who has no password"),
        (
            "login-missing",
            Weight.FAILURE,
            "https://tool.lan with a wrong password answers 200 to who has no password",
        ),
    ] == told(found)


def test_a_login_of_its_own_is_proven_by_what_is_private(knock):
    answers = {"/": Canned(b"a page"), "/api/me": Canned(status=403)}
    with fake_service(answers) as door:
        assert [] == knock(door.address, routed("own", private=("/api/me",)))


def test_a_login_of_its_own_that_refuses_nobody_is_a_failure(knock):
    with fake_service({"/api/me": Canned({"name": "you"})}) as door:
        found = knock(door.address, routed("own", private=("/api/me",)))

    assert ["login-missing"] == [each.id for each in found]


def test_a_login_that_names_no_proof_is_told(knock):
    with fake_service({}) as door:
        found = knock(door.address, routed("own"))

    assert [("login-undeclared", Weight.WARNING)] == [(each.id, each.weight) for each in found]


def test_what_is_not_found_proves_nothing(knock):
    with fake_service({}) as door:
        found = knock(door.address, routed("own", private=("/gone",)))

    assert [
        (
            "login-unproven",
            Weight.WARNING,
            "https://tool.lan/gone answers 404, which proves no login",
        )
    ] == told(found)


def test_a_service_with_a_key_refuses_on_loopback_too(knock):
    keyed = Metrics(path="/metrics", key="key")
    with fake_service({"/metrics": Canned(status=401)}) as shut:
        assert [] == knock(shut.address, a_service("store", shut.address, metrics=keyed))
    with fake_service({"/metrics": Canned(b"up 1")}) as wide:
        found = knock(wide.address, a_service("store", wide.address, metrics=keyed))

    assert [f"{wide.address}/metrics answers 200 to who has no password"] == [
        each.message for each in found
    ]


def test_metrics_without_a_key_are_nobodys_secret(knock):
    with fake_service({"/metrics": Canned(b"up 1")}) as wide:
        service = a_service("eyes", wide.address, metrics=Metrics(path="/metrics"))

        assert [] == knock(wide.address, service)


def test_a_door_that_does_not_answer_proves_nothing(knock):
    found = knock(f"http://127.0.0.1:{free_port()}", routed())

    assert {("login-unasked", Weight.WARNING)} == {(each.id, each.weight) for each in found}
