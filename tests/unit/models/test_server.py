# SPDX-License-Identifier: Apache-2.0
import asyncio
import json

import pytest

from beast_ops.errors import MissingError, ServiceError, UnavailableError
from beast_ops.models.server import InMemory, Model, delete, models
from beast_ops.testing import Canned, fake_service, free_port

TAGS = {
    "models": [
        {
            "name": "llama3.2:3b",
            "size": 2000,
            "modified_at": "2026-05-01T00:00:00Z",
            "details": {
                "family": "llama",
                "parameter_size": "3.2B",
                "quantization_level": "Q4_K_M",
                "context_length": 131072,
            },
        },
        {"name": "all-minilm:latest", "size": 40, "details": None},
    ]
}
PS = {
    "models": [
        {
            "name": "llama3.2:3b",
            "size": 3000,
            "size_vram": 1500,
            "context_length": 4096,
            "expires_at": "2026-05-01T00:05:00Z",
        }
    ]
}


def ask(tags, ps):
    answers = {"/api/tags": lambda _: Canned(tags), "/api/ps": lambda _: Canned(ps)}
    with fake_service(answers) as fake:
        return asyncio.run(models(fake.address))


def test_models_are_told_with_what_is_in_memory():
    small, large = ask(TAGS, PS)

    assert Model("all-minilm:latest", 40) == small
    assert (
        Model(
            "llama3.2:3b",
            2000,
            "llama",
            "3.2B",
            "Q4_K_M",
            131072,
            "2026-05-01T00:00:00Z",
            InMemory(3000, 1500, 4096, "2026-05-01T00:05:00Z"),
        )
        == large
    )


def test_a_server_without_models_says_null():
    assert [] == ask({"models": None}, {"models": None})


@pytest.mark.parametrize("tags", [{}, [], {"models": [{"size": 1}]}, {"models": ["a"]}])
def test_what_does_not_answer_like_a_model_server_is_none(tags):
    with pytest.raises(ServiceError, match="like a model server"):
        ask(tags, PS)


def test_one_that_is_away_is_unavailable():
    with pytest.raises(UnavailableError):
        asyncio.run(models(f"http://127.0.0.1:{free_port()}"))


def test_a_model_is_deleted_by_its_full_name():
    with fake_service({"/api/delete": lambda _: Canned({})}) as fake:
        delete(fake.address, "llama3.2")

    assert [("DELETE", {"model": "llama3.2:latest"})] == [
        (each.method, json.loads(each.body)) for each in fake.asked
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [(404, MissingError), (500, ServiceError)], ids=["not there", "failed"]
)
def test_what_is_refused_is_told(status, kind):
    refused = {"/api/delete": lambda _: Canned({"error": "no"}, status)}
    with fake_service(refused) as fake, pytest.raises(kind):
        delete(fake.address, "x")
