# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest

from beast_ops.cards import Health
from beast_ops.health import vectors
from beast_ops.health.model import Status
from beast_ops.testing import Canned, a_service, fake_service, secrets, serving
from beast_ops.vectors.app import build
from beast_ops.vectors.auth import Keys
from beast_ops.vectors.store import Store

BOTH = {"api_key": "ALL", "read_only_key": "READ"}


def a_store(address):
    return a_service("q", address, health=Health(deep="vectors"), secrets=secrets(*BOTH))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A vector store of our own, for real."""
    store = Store(tmp_path_factory.mktemp("vectors"))
    with serving(build(store, Keys(b"ALL", b"READ"), 1000)) as address:
        yield address


@pytest.fixture
def ask(engine):
    """Ask the store, with the key for everything."""
    from beast_ops import http

    with http.client(engine, headers={"api-key": "ALL"}) as client:
        yield client.request


def collections(ask):
    return [each["name"] for each in ask("GET", "/collections").json()["result"]["collections"]]


def test_a_look_needs_only_the_key_that_may_read(look):
    listed = Canned({"result": {"collections": [{"name": "a"}, {"name": "b"}]}})
    with fake_service({"/collections": listed}) as fake:
        check = look(a_store(fake.address), BOTH)

    assert (Status.HEALTHY, "ready, collections: 2") == (check.status, check.message)
    assert [("GET", "READ")] == [(asked.method, asked.headers["api-key"]) for asked in fake.asked]


def test_a_store_that_refuses_us_is_unhealthy(look):
    with fake_service({"/collections": Canned(b"Forbidden", status=403)}) as fake:
        check = look(a_store(fake.address))

    assert Status.UNHEALTHY is check.status
    assert "403" in check.message


def test_something_else_is_no_store(look):
    with fake_service({"/collections": Canned(["a"])}) as fake:
        check = look(a_store(fake.address), BOTH)

    assert Status.UNHEALTHY is check.status
    assert "answers like no vector store" in check.message


def test_a_gate_writes_finds_and_leaves_no_trace(look, engine, ask):
    ask("PUT", "/collections/kept--1", json={"vectors": {"size": 2, "distance": "Dot"}})

    check = look(a_store(engine), BOTH, thorough=True)

    assert (Status.HEALTHY, "writes, finds and deletes; collections: 1") == (
        check.status,
        check.message,
    )
    assert ["kept--1"] == collections(ask)


def test_a_gate_removes_what_a_killed_one_left(look, engine, ask):
    left = f"{vectors.SCRATCH}0"
    ask("PUT", f"/collections/{left}", json={"vectors": {"size": 2, "distance": "Dot"}})

    check = look(a_store(engine), BOTH, thorough=True)

    assert Status.HEALTHY is check.status
    assert left not in collections(ask)


def test_a_gate_does_not_pass_with_a_key_that_only_reads(look, engine, ask):
    before = collections(ask)

    check = look(a_store(engine), {"api_key": "READ", "read_only_key": "READ"}, thorough=True)

    assert Status.UNHEALTHY is check.status
    assert before == collections(ask)


@pytest.fixture
def forgetful():
    """A store that takes everything, and does with it what *found* and *deletes* say."""
    made = {}

    def serve(found, *, deletes=True):
        def listed(_):
            names = [{"name": name} for name in made]
            return Canned({"result": {"collections": names}})

        class Paths(dict):
            def get(self, path, _=None):
                if path == "/collections":
                    return listed
                name = re.match(r"/collections/([^/]+)", path)[1]
                return lambda asked: self.answer(asked, name, path)

            def answer(self, asked, name, path):
                if path.endswith("/points/query"):
                    return Canned({"result": {"points": found}})
                if asked.method == "DELETE" and deletes:
                    made.pop(name, None)
                elif asked.method == "PUT":
                    made[name] = json.loads(asked.body)
                return Canned({"result": True})

        return fake_service(Paths())

    return serve


@pytest.mark.parametrize("found", [[], [{"id": 1}], [{"id": 2}, {"id": 1}]])
def test_a_gate_does_not_pass_a_store_that_finds_something_else(found, look, forgetful):
    with forgetful(found) as fake:
        check = look(a_store(fake.address), BOTH, thorough=True)

    assert Status.UNHEALTHY is check.status
    assert "does not find what was just written" in check.message
    assert "DELETE" in [asked.method for asked in fake.asked]


def test_a_gate_does_not_pass_a_store_that_does_not_delete(look, forgetful):
    with forgetful([{"id": 2}], deletes=False) as fake:
        check = look(a_store(fake.address), BOTH, thorough=True)

    assert Status.UNHEALTHY is check.status
    assert "what was deleted is still there" in check.message
