# SPDX-License-Identifier: Apache-2.0
"""Counters in Prometheus' text form, under the names a Qdrant server gives them."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from starlette.responses import Response

from .store import Store

BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10, 50)


class Metrics:
    """What this process counts, in a registry of its own."""

    def __init__(self, version: str) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        info = Gauge("app_info", "the server", ["name", "version"], registry=self.registry)
        info.labels("qdrant", version).set(1)
        labels = ["method", "endpoint", "status"]
        self.responses = Counter(
            "rest_responses", "responses by call and status", labels, registry=self.registry
        )
        self.duration = Histogram(
            "rest_responses_duration_seconds",
            "time to answer",
            ["method", "endpoint"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.collections = Gauge("collections_total", "collections", registry=self.registry)
        self.points = Gauge("collection_points", "points", ["id"], registry=self.registry)
        self.optimizations = Counter(
            "optimizations",
            "finished optimisations by outcome",
            ["outcome"],
            registry=self.registry,
        )

    def observe(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count one answered call."""
        self.responses.labels(method, endpoint, status).inc()
        self.duration.labels(method, endpoint).observe(seconds)

    def exposition(self, store: Store) -> Response:
        """Return everything, with the present state of the *store*."""
        self.collections.set(len(store.collections))
        self.points.clear()
        for name, collection in store.collections.items():
            if collection.open:
                self.points.labels(name).set(collection.shard.info().points_count)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)
