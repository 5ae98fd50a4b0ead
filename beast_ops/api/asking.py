# SPDX-License-Identifier: Apache-2.0
"""How often this process asks a model server, and how long that takes."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

from beast_ops.search.hybrid import Embed

SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120)
OLLAMA = "ollama"


class Asking:
    """Requests to a model server, by what was wanted and how it ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Keep the figures in *registry*."""
        self._total = Counter(
            "ai_beast_ollama_requests_total",
            "Requests to the model server.",
            ("kind", "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            "ai_beast_ollama_request_duration_seconds",
            "Time of a request to the model server.",
            ("kind",),
            buckets=SECONDS,
            registry=registry,
        )

    def count(self, kind: str, outcome: str, seconds: float) -> None:
        """Count one request that took *seconds*."""
        self._total.labels(kind, outcome).inc()
        self._seconds.labels(kind).observe(seconds)

    def counted(self, embed: Embed) -> Embed:
        """Return *embed*, counting what it asks of a model server."""

        async def ask(metadata: Mapping[str, Any], text: str) -> Sequence[float]:
            if metadata.get("embedder") != OLLAMA:
                return await embed(metadata, text)
            begun, outcome = time.perf_counter(), "failed"
            try:
                found = await embed(metadata, text)
                outcome = "done"
            finally:
                self.count("embed", outcome, time.perf_counter() - begun)
            return found

        return ask
