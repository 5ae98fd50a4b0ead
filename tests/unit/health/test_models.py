# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import Health
from beast_ops.health.model import Status
from beast_ops.testing import Canned, a_service, fake_service, secrets


@pytest.fixture
def judge(look):
    """Judge a model server that has *present* and shall have *wanted*."""

    def judging(present, wanted=(), *, thorough=False):
        tags = Canned({"models": [{"name": name} for name in present]})
        with fake_service({"/api/tags": tags}) as fake:
            service = a_service("o", fake.address, health=Health(deep="models"), models=wanted)
            return look(service, thorough=thorough)

    return judging


@pytest.mark.parametrize("thorough", [False, True])
@pytest.mark.parametrize("wanted", [(), ("gemma3",), ("gemma3:latest", "a/b:7b")])
def test_a_server_with_its_models_is_healthy(wanted, thorough, judge):
    check = judge(["gemma3:latest", "a/b:7b"], wanted, thorough=thorough)

    assert (Status.HEALTHY, "ready, models: 2") == (check.status, check.message)


@pytest.mark.parametrize(
    ("thorough", "status"), [(False, Status.DEGRADED), (True, Status.UNHEALTHY)]
)
def test_a_server_that_lacks_a_model_is_named_with_it(thorough, status, judge):
    check = judge(["gemma3:latest"], ("gemma3", "bge-m3", "qwen3:8b"), thorough=thorough)

    assert (status, "lacks bge-m3, qwen3:8b. Run: ./beast deploy") == (check.status, check.message)
    assert ["bge-m3", "qwen3:8b"] == check.details["missing"]


@pytest.mark.parametrize("thorough", [False, True])
def test_a_server_without_any_model_is_degraded_and_passes(thorough, judge):
    check = judge([], thorough=thorough)

    assert (Status.DEGRADED, "answers, but has no model") == (check.status, check.message)


@pytest.mark.parametrize(("key", "status"), [("right", Status.HEALTHY), (None, Status.UNHEALTHY)])
def test_what_asks_for_a_token_is_shown_it_at_every_path(key, status, look):
    def asked(request):
        known = request.headers.get("authorization") == "Bearer right"
        return Canned({"models": [{"name": "gemma3"}]}, 200 if known else 401)

    with fake_service({"/api/tags": asked, "/api/version": asked}) as fake:
        health = Health(path="/api/version", deep="models")
        given = {"api_key": key} if key else {}
        check = look(a_service("o", fake.address, health=health, secrets=secrets(*given)), given)

    assert status is check.status
