# SPDX-License-Identifier: Apache-2.0
"""Figures of the calls of models: how they ended, how long they took, who is left alone.

Only those of this process; the calls of the worker are part of its jobs. Labels are bounded: at
most `MODELS` models, by name.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from beast_ops.resilience import GUARDS, Guards
from beast_ops.resilience.figures import SECONDS
from beast_ops.resilience.registry import Standing

MODELS = 50
STATES = {"closed": 0.0, "half-opened": 1.0, "opened": 2.0}
EDGES = (*map(str, map(float, SECONDS)), "+Inf")

Named = Sequence[tuple[str, Sequence[Standing]]]


class ModelCalls(Collector):
    """Shows what the guards of models counted."""

    def __init__(self, guards: Guards = GUARDS) -> None:
        """Show those of *guards*."""
        self._guards = guards

    def describe(self) -> Iterable[Metric]:
        """Return nothing: which figures there are is known when they are shown."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what was counted, by model; what belongs to no model is called `-`."""
        found: dict[str, list[Standing]] = {}
        for (_, model), standings in self._guards.standings().items():
            found.setdefault(model or "-", []).extend(standings)
        named = sorted(found.items())[:MODELS]
        if named:
            yield _requests(named)
            yield _seconds(named)
            yield from _breakers(named)


def _requests(named: Named) -> Metric:
    total = CounterMetricFamily(
        "ai_beast_ollama_requests",
        "Calls of models by how they ended; resting means that the model was left alone.",
        labels=["model", "outcome"],
    )
    for model, all_ in named:
        for outcome in all_[0].figures.outcomes:
            count = sum(each.figures.outcomes[outcome] for each in all_)
            total.add_metric([model, outcome], count)
    return total


def _seconds(named: Named) -> Metric:
    found = HistogramMetricFamily(
        "ai_beast_ollama_request_duration_seconds",
        "Time of calls of models, with all waits and attempts.",
        labels=["model"],
    )
    for model, all_ in named:
        counts = map(sum, zip(*(each.figures.buckets for each in all_), strict=True))
        buckets = list(zip(EDGES, map(float, accumulate(counts)), strict=True))
        found.add_metric([model], buckets, sum(each.figures.spent for each in all_))
    return found


def _breakers(named: Named) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "ai_beast_breaker_state",
        "0 if a model may be asked, 1 if it is being tried, 2 if it is left alone.",
        labels=["model"],
    )
    opened = CounterMetricFamily(
        "ai_beast_breaker_opened", "How often a model was left alone.", labels=["model"]
    )
    retries = CounterMetricFamily(
        "ai_beast_ollama_retries", "How often a model was asked again.", labels=["model"]
    )
    running = GaugeMetricFamily(
        "ai_beast_ollama_requests_running", "Calls under way.", labels=["model"]
    )
    for model, all_ in named:
        state.add_metric([model], max(STATES[each.state] for each in all_))
        opened.add_metric([model], sum(each.opened for each in all_))
        retries.add_metric([model], sum(each.figures.retries for each in all_))
        running.add_metric([model], sum(each.figures.running for each in all_))
    yield from (state, opened, retries, running)
