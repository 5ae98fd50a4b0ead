# SPDX-License-Identifier: Apache-2.0
"""Figures of the gateway for Prometheus; every label has a small, fixed set of values.

What models are asked comes by here, whoever asks: other programs, Open WebUI, and ourselves.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from .permits import label

# From a list of models to an answer of an hour.
SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
KIND = CONTENT_TYPE_LATEST.encode()


class Figures:
    """What was counted since this process began."""

    def __init__(self) -> None:
        """Start with everything at nothing."""
        self._registry = CollectorRegistry()
        self._total = Counter(
            "ai_beast_gateway_requests_total",
            "Requests that came to the gateway; 401 are strangers, 429 came too often.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "ai_beast_gateway_request_duration_seconds",
            "Time from a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=self._registry,
        )
        self.running = Gauge(
            "ai_beast_gateway_requests_running",
            "Requests that the model server works on.",
            registry=self._registry,
        )

    def count(self, method: str, path: bytes, status: int, seconds: float) -> None:
        """Count a request.

        Args:
            method: Its method.
            path: Its path, as it came.
            status: How it was answered; 499 if its client hung up before.
            seconds: How long that took.
        """
        route = label(path)
        self._total.labels(method if method in METHODS else "other", route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """Return all of them, as Prometheus reads them."""
        return generate_latest(self._registry)
