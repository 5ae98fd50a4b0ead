# SPDX-License-Identifier: Apache-2.0
"""Count, under the names of Traefik's documentation."""

import time
from collections import defaultdict

BUCKETS = (0.1, 0.3, 1.2, 5.0)
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Everything `/metrics` tells."""

    def __init__(self) -> None:
        self.begun = time.time()
        self.values: dict[tuple[str, Labels], float] = defaultdict(float)
        self.kinds: dict[str, str] = {}

    def add(self, name: str, value: float = 1, **labels: str) -> None:
        """Count up."""
        self.kinds[name] = "counter"
        self.values[name, tuple(sorted(labels.items()))] += value

    def put(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        self.kinds[name] = "gauge"
        self.values[name, tuple(sorted(labels.items()))] = value

    def move(self, name: str, by: float, **labels: str) -> None:
        """Move a gauge."""
        self.kinds[name] = "gauge"
        self.values[name, tuple(sorted(labels.items()))] += by

    def forget(self, name: str) -> None:
        """Drop a gauge with all its labels."""
        for key in [key for key in self.values if key[0] == name]:
            del self.values[key]

    def served(self, scope: str, took: float, sizes: tuple[int, int], **labels: str) -> None:
        """Count one request of an entry point, a router or a service."""
        name = f"traefik_{scope}"
        self.add(f"{name}_requests_total", 1, **labels)
        self.add(f"{name}_requests_bytes_total", sizes[0], **labels)
        self.add(f"{name}_responses_bytes_total", sizes[1], **labels)
        duration = f"{name}_request_duration_seconds"
        for bucket in (*BUCKETS, float("inf")):
            edge = "+Inf" if bucket == float("inf") else f"{bucket:g}"
            self.add(f"{duration}_bucket", took <= bucket, le=edge, **labels)
        self.add(f"{duration}_sum", took, **labels)
        self.add(f"{duration}_count", 1, **labels)

    def text(self) -> str:
        """Return all of it as Prometheus reads it."""
        lines, last = [], ""
        self.put("process_start_time_seconds", self.begun)
        for (name, labels), value in sorted(self.values.items()):
            family, kind = name, self.kinds[name]
            for suffix in ("_bucket", "_sum", "_count"):
                if name.endswith(f"_duration_seconds{suffix}"):
                    family, kind = name.removesuffix(suffix), "histogram"
            if family != last:
                lines.append(f"# TYPE {family} {kind}")
                last = family
            told = ",".join(f'{key}="{_escaped(word)}"' for key, word in labels)
            lines.append(f"{name}{{{told}}} {value!r}" if told else f"{name} {value!r}")
        return "\n".join(lines) + "\n"


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
