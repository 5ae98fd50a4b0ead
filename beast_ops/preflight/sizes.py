# SPDX-License-Identifier: Apache-2.0
"""How big images and models are, before one has them: good guesses, on the small side."""

from __future__ import annotations

import re

from .reference import read

UNKNOWN_IMAGE = 400
# MiB on disk, by repository.
IMAGES = {
    "ollama/ollama": 3600,
    "qdrant/qdrant": 200,
    "ghcr.io/open-webui/open-webui": 4400,
    "traefik": 190,
    "prom/prometheus": 320,
    "prom/alertmanager": 80,
    "prom/node-exporter": 30,
    "quay.io/prometheus/node-exporter": 30,
    "grafana/grafana": 700,
    "ghcr.io/google/cadvisor": 80,
    "valkey/valkey": 120,
}
ROCM = 3000  # what an image for AMD's GPUs has besides

UNKNOWN_MODEL = 2000
EMBEDDER = 280
EMBEDDERS = ("embed", "minilm", "bge", "e5-")
# MiB per thousand million parameters: four bits each is usual, whoever wants more says so.
PER_BILLION = {"fp16": 1950, "f16": 1950, "bf16": 1950, "q8": 1050}
FOUR_BITS = 600


def image_mib(reference: str, known: dict[str, int]) -> int:
    """Return about how many MiB the image *reference* takes; *known* wins over our table."""
    repository, tag, _ = read(reference)
    better = {read(name)[:2]: mib for name, mib in known.items()}
    for name in ((repository, tag), (repository, "")):
        if name in better:
            return int(better[name])
    return IMAGES.get(repository, UNKNOWN_IMAGE) + (ROCM if tag.endswith("-rocm") else 0)


def model_mib(name: str) -> int:
    """Return about how many MiB the model *name* takes, by the size its name tells."""
    text = name.lower()
    found = re.search(r"(?:(\d+)x)?(\d+(?:\.\d+)?)([bm])(?![a-z])", text)
    if found is None:
        return EMBEDDER if any(word in text for word in EMBEDDERS) else UNKNOWN_MODEL
    billions = float(found[2]) * int(found[1] or 1) / (1000 if found[3] == "m" else 1)
    width = next((mib for word, mib in PER_BILLION.items() if word in text), FOUR_BITS)
    return max(int(billions * width), 50)
