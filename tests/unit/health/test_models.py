# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.cards import Health
from beast_ops.health.model import Status
from beast_ops.testing import Canned, a_service, fake_service


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
