# SPDX-License-Identifier: Apache-2.0
"""Figures of what happens anywhere in the installation, counted from its events.

The processes that do the work are asked by nobody; what they tell is counted here. Counters
start at nothing when this process does.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from beast_ops.events.model import KNOWN, Event
from beast_ops.jobs.kinds import KINDS
from beast_ops.tasks.model import Status

ENDS = frozenset({"done", "failed", "cancelled"})
OPERATIONS = frozenset({"backup", "verify", "drill", "restore"})
MEGA = 1e6
# From a tiny embedding model to the largest one a server may hold.
BYTES = tuple(MEGA * each for each in (10, 100, 500, 1_000, 5_000, 10_000, 50_000, 100_000))
SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600)
_STATUSES = frozenset(each.value for each in Status)
_NAMES = frozenset(kind.name for kind in KINDS)


class Counts:
    """What was counted since this process began."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Keep the figures in *registry*."""

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"ai_beast_{name}", text, labels, registry=registry)

        self._events = counter("events_total", "Events, by name.", "name")
        self._jobs = counter("jobs_ended_total", "Jobs that ended.", "kind", "state")
        self._operations = counter(
            "operations_total", "Backups, restores and the like that ended.", "kind", "state"
        )
        self._downloads = counter("model_downloads_total", "Downloads of models.", "state")
        self._chunks = counter("rag_chunks_total", "Chunks stored by ingestions.")
        self._bytes = Histogram(
            "ai_beast_model_download_bytes",
            "Bytes of a download of a model.",
            buckets=BYTES,
            registry=registry,
        )
        self._seconds = Histogram(
            "ai_beast_model_download_duration_seconds",
            "Time of a download of a model.",
            buckets=SECONDS,
            registry=registry,
        )
        self._tasks = counter("agent_tasks_total", "Tasks that ended.", "status")
        self._task_seconds = Histogram(
            "ai_beast_agent_task_duration_seconds",
            "Time of a task.",
            buckets=SECONDS,
            registry=registry,
        )
        self.listeners = Gauge(
            "ai_beast_event_streams", "Who listens to events now.", registry=registry
        )

    def count(self, event: Event) -> None:
        """Count *event*; one whose data make no sense counts as an event alone."""
        if event.name not in KNOWN:
            return
        self._events.labels(event.name).inc()
        first, _, last = event.name.rpartition(".")
        if first == "job" and last in ENDS:
            self._ended(str(event.data.get("kind")), last)
        elif first in OPERATIONS and last != "running":
            self._operations.labels(first, last).inc()
        elif event.name == "model.downloaded":
            self._bytes.observe(_number(event, "bytes"))
            self._seconds.observe(_number(event, "seconds"))
        elif first == "agent.task" and last != "started":
            self._tasks.labels(_status(event)).inc()
            self._task_seconds.observe(_number(event, "seconds"))
        elif event.name == "rag.ingested":
            self._chunks.inc(_number(event, "chunks"))

    def _ended(self, kind: str, state: str) -> None:
        self._jobs.labels(kind if kind in _NAMES else "other", state).inc()
        if kind == "model_pull":
            self._downloads.labels(state).inc()


def _status(event: Event) -> str:
    """Return how a task ended; a name that nobody knows makes no new series."""
    said = str(event.data.get("status"))
    return said if said in _STATUSES else Status.FAILED.value


def _number(event: Event, name: str) -> float:
    value = event.data.get(name, 0)
    return float(value) if isinstance(value, int | float) and value > 0 else 0.0
