# SPDX-License-Identifier: Apache-2.0
"""Figures of what others told us last: model server, queue of jobs, backups.

What nobody told is left out, so that a figure that is there is true. Labels are bounded: at most
`MODELS` models, by name.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from beast_ops.clock import SYSTEM, Clock
from beast_ops.jobs.kinds import KINDS
from beast_ops.jobs.queue import Queue
from beast_ops.llm.state import ModelState

MODELS = 50
KIND_NAMES = frozenset(kind.name for kind in KINDS)
BACKUPS = ("backup",)
RESTORES = ("restore", "drill")


class States(Collector):
    """The last word of each, shown whenever figures are asked for."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        """Know nothing yet."""
        self.models: ModelState | None = None
        self.queue: Queue | None = None
        self.done: Mapping[str, datetime] = {}
        self.keeper_seen: datetime | None = None
        self._clock = clock

    def describe(self) -> Iterable[Metric]:
        """Return nothing: which figures there are is known when they are shown."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what is known."""
        if self.models is not None:
            yield from _models(self.models)
        if self.queue is not None:
            yield from _queue(self.queue)
        yield from self._operations()

    def _operations(self) -> Iterator[Metric]:
        backed_up = [self.done[name] for name in BACKUPS if name in self.done]
        if backed_up:
            last = max(backed_up)
            age = (self._clock.now() - last).total_seconds()
            yield _gauge("backup_age_seconds", "Time since the last backup that succeeded.", age)
            yield _gauge(
                "last_backup_timestamp_seconds",
                "When a backup last succeeded.",
                last.timestamp(),
            )
        if self.keeper_seen is not None:
            yield _gauge(
                "keeper_last_seen_timestamp_seconds",
                "When the keeper last looked what is due.",
                self.keeper_seen.timestamp(),
            )
        restored = [self.done[name] for name in RESTORES if name in self.done]
        if restored:
            yield _gauge(
                "last_verified_restore_timestamp_seconds",
                "When a restore was last proven to work.",
                max(restored).timestamp(),
            )


def _models(state: ModelState) -> Iterator[Metric]:
    yield _gauge("model_server_up", "Whether the model server answers.", float(state.up))
    if not state.up:
        return
    yield _gauge("models_installed", "Models on disk.", len(state.installed))
    yield _gauge("active_models", "Models in memory.", len(state.loaded))
    yield _by_model("model_size_bytes", "Bytes of a model on disk.", state.installed)
    vram = {name: each.vram for name, each in state.loaded.items()}
    yield _by_model("model_vram_bytes", "Bytes of a model in the memory of a GPU.", vram)
    on_cpu = {name: each.on_cpu for name, each in state.loaded.items()}
    yield _by_model("model_on_cpu", "1 if the processor works on a part of a model.", on_cpu)


def _queue(queue: Queue) -> Iterator[Metric]:
    yield _gauge("jobs_waiting", "Jobs that wait for a worker.", queue.waiting)
    yield _gauge("jobs_running", "Jobs that a worker holds.", queue.running)
    yield _gauge(
        "oldest_waiting_job_seconds", "How long the oldest job has waited.", queue.oldest_seconds
    )
    found = GaugeMetricFamily(
        "ai_beast_jobs", "Jobs in the table, by kind and state.", labels=["kind", "state"]
    )
    by_kind: Counter[tuple[str, str]] = Counter()
    for (kind, state), count in queue.counts.items():
        by_kind[kind if kind in KIND_NAMES else "other", state] += count
    for labels, count in sorted(by_kind.items()):
        found.add_metric(labels, float(count))
    yield found


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ai_beast_{name}", text, value=value)


def _by_model(name: str, text: str, values: Mapping[str, float]) -> Metric:
    found = GaugeMetricFamily(f"ai_beast_{name}", text, labels=["model"])
    for model in sorted(values)[:MODELS]:
        found.add_metric([model], float(values[model]))
    return found
