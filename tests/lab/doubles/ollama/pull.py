# SPDX-License-Identifier: Apache-2.0
"""A pull, line by line, as it streams."""

import os
import time
from collections.abc import Iterator
from typing import Any

from . import models

_STEPS = 4
_MISSING = "pull model manifest: file does not exist"


def lines(name: str, error: str = "", after: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the lines of a pull of *name*; with *error*, that instead of line number *after*."""
    for number, line in enumerate(_lines(name)):
        if error and number == after:
            yield {"error": error}
            return
        yield line


def _lines(name: str) -> Iterator[dict[str, Any]]:
    yield {"status": "pulling manifest"}
    if models.family(name) is None:
        yield {"error": _MISSING}
        return
    pause = float(os.environ.get("OLLAMA_DOUBLE_PULL_SECONDS", "0")) / _STEPS
    try:
        for digest, data in models.layers(name):
            yield from _layer(digest, data, pause)
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        models.keep(name)
    except OSError as full:
        yield {"error": f"{full.strerror}: {full.filename}"}
        return
    yield {"status": "removing unused layers"}
    yield {"status": "success"}


def _layer(digest: str, data: bytes, pause: float) -> Iterator[dict[str, Any]]:
    status = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": len(data)}
    if not models.blob(digest).exists():
        yield status
        for step in range(1, _STEPS):
            time.sleep(pause)
            yield {**status, "completed": len(data) * step // _STEPS}
        models.store(digest, data)
    yield {**status, "completed": len(data)}
