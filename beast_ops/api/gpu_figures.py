# SPDX-License-Identifier: Apache-2.0
"""Figures of GPUs and of how fast models answer, as the last health check found them.

Labels are bounded: GPUs by number, kinds of trouble as there are, at most `MODELS` models by name.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from beast_ops.gpu.model import KINDS

MODELS = 50
# By figure: its text, what it is called in the check, and whose values it has.
DEVICE = (
    ("memory_total_bytes", "Bytes of memory of a GPU.", "total"),
    ("memory_used_bytes", "Bytes of memory of a GPU that are in use.", "used"),
    ("utilization_ratio", "Share of the last moments in which a GPU worked, 0 to 1.", "busy"),
    ("temperature_celsius", "How warm a GPU is.", "celsius"),
)
SPEED = (
    ("model_tokens_per_second", "Tokens per second of the last answers of a model.", "recent"),
    ("model_usual_tokens_per_second", "Tokens per second that a model usually has.", "usual"),
)
CLAIM = (
    ("gpu_claimed_bytes", "Bytes of GPU memory that the model server claims.", "claimed_bytes"),
    ("gpu_held_bytes", "Bytes of GPU memory that it can hold at most.", "held_bytes"),
)


class GpuFigures(Collector):
    """The last word of the check `gpu`, shown whenever figures are asked for."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._seen: Mapping[str, Any] = {}

    def show(self, details: Mapping[str, Any]) -> None:
        """Show *details* of the check from now on; one that found nothing out has none."""
        self._seen = details

    def describe(self) -> Iterable[Metric]:
        """Return nothing: which figures there are is known when they are shown."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what is known."""
        seen = self._seen
        if "devices" not in seen:
            return
        devices = seen["devices"]
        yield GaugeMetricFamily(
            "ai_beast_gpu_devices", "GPUs that answer.", value=float(len(devices))
        )
        for name, text, key in DEVICE:
            values = {_label(each): each[key] for each in devices}
            yield from _family(f"gpu_{name}", text, "gpu", values)
        yield _findings({each["kind"] for each in seen["troubles"]})
        for name, text, key in CLAIM:
            if seen[key] is not None:
                yield GaugeMetricFamily(f"ai_beast_{name}", text, value=float(seen[key]))
        for name, text, key in SPEED:
            known = sorted(seen["speeds"].items())[:MODELS]
            values = {model: speed[key] for model, speed in known}
            yield from _family(name, text, "model", values)


def _label(device: Mapping[str, Any]) -> str:
    """Return what a GPU is called: each vendor's driver counts from nothing."""
    number = str(device["index"])
    return number if device["vendor"] == "nvidia" else f"{device['vendor']}-{number}"


def _findings(there: set[str]) -> Metric:
    found = GaugeMetricFamily(
        "ai_beast_gpu_findings",
        "1 for each kind of trouble with GPUs that was found, else 0.",
        labels=["kind"],
    )
    for kind in KINDS:
        found.add_metric([kind], float(kind in there))
    return found


def _family(
    name: str, text: str, label: str, values: Mapping[str, float | None]
) -> Iterator[Metric]:
    known = {key: value for key, value in values.items() if value is not None}
    if known:
        found = GaugeMetricFamily(f"ai_beast_{name}", text, labels=[label])
        for key, value in sorted(known.items()):
            found.add_metric([key], float(value))
        yield found
