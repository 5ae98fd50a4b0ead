# SPDX-License-Identifier: Apache-2.0
"""What calls of models came to, as Prometheus sees it."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from beast_ops.api.model_calls import MODELS, ModelCalls
from beast_ops.errors import UnavailableError
from beast_ops.resilience import Guards, Policy

ONCE = Policy(failures=1, attempts=2, wait=0.001)


async def fine():
    return 1


async def away():
    raise UnavailableError("away")


@pytest.fixture
def guards():
    return Guards()


def shown(guards):
    registry = CollectorRegistry()
    registry.register(ModelCalls(guards))
    return generate_latest(registry).decode()


def test_nothing_was_called_yet(guards):
    assert "ollama" not in shown(guards)


def test_calls_show_how_they_ended(guards):
    asyncio.run(guards.get("http://h", "a", ONCE).run(fine))
    asyncio.run(guards.get("http://h", "a", Policy()).run(fine))
    with pytest.raises(UnavailableError):
        asyncio.run(guards.get("http://h", "b", ONCE).run(away))
    with pytest.raises(UnavailableError):
        asyncio.run(guards.get("http://h", "b", ONCE).run(away))

    text = shown(guards)

    for line in (
        'ai_beast_ollama_requests_total{model="a",outcome="answered"} 2.0',
        'ai_beast_ollama_requests_total{model="b",outcome="unavailable"} 1.0',
        'ai_beast_ollama_requests_total{model="b",outcome="resting"} 1.0',
        'ai_beast_ollama_request_duration_seconds_bucket{le="0.05",model="a"} 2.0',
        'ai_beast_ollama_request_duration_seconds_count{model="b"} 1.0',
        'ai_beast_breaker_state{model="a"} 0.0',
        'ai_beast_breaker_state{model="b"} 2.0',
        'ai_beast_breaker_opened_total{model="b"} 1.0',
        'ai_beast_ollama_retries_total{model="b"} 1.0',
        'ai_beast_ollama_requests_running{model="a"} 0.0',
    ):
        assert line in text


def test_there_are_no_more_names_than_allowed(guards):
    for number in range(MODELS + 9):
        guards.get("http://h", f"m{number}", ONCE)

    assert MODELS == shown(guards).count("ai_beast_breaker_state{")
