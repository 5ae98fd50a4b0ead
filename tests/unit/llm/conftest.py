# SPDX-License-Identifier: Apache-2.0
"""A double of Ollama 0.32: the part of its API that embeds, with its ways to fail."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from beast_ops.testing import Asked, Canned, FakeService, fake_service

LIMIT = 100  # characters; the real one counts tokens
MODEL = "nomic-embed-text"


@dataclass
class Ollama:
    """How the double behaves next, and what it was asked to embed."""

    models: list[str] = field(default_factory=lambda: [f"{MODEL}:latest", "other:v1"])
    failures: list[Canned] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    batches: list[list[str]] = field(default_factory=list)
    service: FakeService | None = None

    @property
    def url(self) -> str:
        assert self.service is not None
        return self.service.address

    def tags(self, _: Asked) -> Canned:
        """Answer `GET /api/tags`: names carry their tag."""
        models = [
            {"name": name, "model": name, "digest": self.digests.get(name, "0" * 64)}
            for name in self.models
        ]
        return Canned({"models": models})

    def embed(self, asked: Asked) -> Canned:
        """Answer `POST /api/embed`; one bad text fails the batch."""
        body = json.loads(asked.body)
        self.batches.append(body["input"])
        if self.failures:
            return self.failures.pop(0)
        name = body["model"] if ":" in body["model"] else f"{body['model']}:latest"
        if name not in self.models:
            return Canned(
                {"error": f'model "{body["model"]}" not found, try pulling it first'}, 404
            )
        assert body["truncate"] is False
        if any(len(text) > LIMIT for text in body["input"]):
            return Canned({"error": "the input length exceeds the context length"}, 400)
        if any("NaN" in text for text in body["input"]):
            return Canned({"error": "failed to encode response: json: unsupported value: NaN"}, 500)
        rows = [[len(text) / 100, 1.0, 0.0] for text in body["input"]]
        return Canned({"model": body["model"], "embeddings": rows, "total_duration": 1})


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    double = Ollama()
    answers = {"/api/tags": double.tags, "/api/embed": double.embed}
    with fake_service(answers) as double.service:
        yield double
