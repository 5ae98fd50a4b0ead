# SPDX-License-Identifier: Apache-2.0
"""Figures for Prometheus; every label has a small, fixed set of values."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CLASSIC
from prometheus_client.exposition import generate_latest as classic
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as OPEN_METRICS
from prometheus_client.openmetrics.exposition import generate_latest as open_metrics
from starlette.types import Scope

from beast_ops.health.model import Report, Status
from beast_ops.jobs.model import State

from .asking import Asking
from .chat_figures import ChatFigures
from .counts import Counts
from .gpu_figures import GpuFigures
from .model_calls import ModelCalls
from .states import States

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Requests:
    """Requests by route as declared, never by path as sent: strangers cannot make new series."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Keep the figures in *registry*."""
        self.answered = 0
        self._total = Counter(
            "ai_beast_api_requests_total",
            "Requests answered by the API.",
            ("method", "route", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "ai_beast_api_request_duration_seconds",
            "Time from a request to the end of its answer.",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        cached = Counter(
            "ai_beast_api_cache_total",
            "Requests whose answers may be given again for a moment: hit if one was.",
            ("outcome",),
            registry=registry,
        )
        self._hits, self._misses = cached.labels("hit"), cached.labels("miss")
        # Those that were asked for once: finding them among all costs as much as counting.
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one answered request."""
        route = getattr(scope.get("route"), "path", None) or "other"
        method = scope["method"] if scope["method"] in METHODS else "other"
        known = self._known.get((method, route, status))
        if known is None:
            total = self._total.labels(method, route, str(status))
            known = self._known[method, route, status] = (total, self._seconds.labels(route))
        known[0].inc()
        self.answered += 1
        known[1].observe(seconds)

    def count_cached(self, *, hit: bool) -> None:
        """Count an answer that was given again, or could have been."""
        (self._hits if hit else self._misses).inc()


def _state(registry: CollectorRegistry) -> tuple[Gauge, Gauge]:
    """Return the gauges of health and of the disk."""
    health = Gauge(
        "ai_beast_health_status",
        "Last result of a health check; 1 for the status it has, else 0.",
        ("check", "status"),
        registry=registry,
    )
    disk = Gauge(
        "ai_beast_disk_usage_bytes",
        "Used bytes of the installation's file system.",
        registry=registry,
    )
    return health, disk


def _searches(registry: CollectorRegistry) -> tuple[Counter, Histogram]:
    """Return the figures of searches: how many, and how long they took."""
    many = Counter("ai_beast_rag_queries_total", "Searches answered.", ("mode",), registry=registry)
    name, text = "ai_beast_rag_query_duration_seconds", "Time of a search, without HTTP."
    return many, Histogram(name, text, buckets=SECONDS, registry=registry)


class Figures:
    """All figures of the API process."""

    def __init__(self) -> None:
        """Start with everything at nothing."""
        self.answered = 0  # searches, of any mode
        self.registry = CollectorRegistry()
        self.requests = Requests(self.registry)
        self.searches, self.search_seconds = _searches(self.registry)
        self.chunks = Gauge(
            "ai_beast_rag_collection_chunks",
            "Chunks in a collection.",
            ("collection",),
            registry=self.registry,
        )
        self._ingestions = Counter(
            "ai_beast_rag_ingestions_total",
            "Ingestions that ended.",
            ("state",),
            registry=self.registry,
        )
        self._failed = Counter(
            "ai_beast_jobs_failed_total", "Jobs that failed.", registry=self.registry
        )
        self.chats = ChatFigures(self.registry)
        self.counts, self.asking = Counts(self.registry), Asking(self.registry)
        self.states = States()
        self.registry.register(self.states)
        self.registry.register(ModelCalls())
        self._gpus = GpuFigures()
        self.registry.register(self._gpus)
        self._health, self._disk = _state(self.registry)

    def count_search(self, mode: str, seconds: float) -> None:
        """Count a search that was answered in *mode* after so many *seconds*."""
        self.searches.labels(mode).inc()
        self.search_seconds.observe(seconds)
        self.answered += 1

    def count_ingestion(self, state: str) -> None:
        """Count an ingestion that ended in *state*."""
        self._ingestions.labels(state).inc()
        if state == State.FAILED:
            self._failed.inc()

    def show_health(self, report: Report) -> None:
        """Let the gauges show *report*; `overall` is the whole."""
        self._health.clear()
        found = {check.name: check.status for check in report.checks}
        for name, status in {**found, "overall": report.status}.items():
            for each in Status:
                self._health.labels(name, each.value).set(float(each is status))
        for check in report.checks:
            if check.name == "gpu":
                self._gpus.show(check.details)
            if check.name == "disk" and "free_bytes" in check.details:
                self._disk.set(check.details["total_bytes"] - check.details["free_bytes"])

    def text(self, accept: str) -> tuple[bytes, str]:
        """Return all figures in the form *accept* asks for, and that form's name."""
        if "application/openmetrics-text" in accept:
            text: bytes = open_metrics(self.registry)  # type: ignore[no-untyped-call] # no types
            return text, OPEN_METRICS
        return classic(self.registry), CLASSIC
