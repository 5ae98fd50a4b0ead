# SPDX-License-Identifier: Apache-2.0
"""What a model server has and holds in memory; it has no figures of its own to measure."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from beast_ops import http
from beast_ops.errors import BeastError, ServiceError

SECONDS = 5.0
SERVICE = "the model server"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory: all its bytes, and those of them in the memory of a GPU."""

    size: int
    vram: int

    @property
    def on_cpu(self) -> bool:
        """Whether a part of it is worked on by the processor."""
        return self.vram < self.size


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model server at one moment.

    Attributes:
        up: Whether it answered all that was asked.
        installed: Bytes on disk by model.
        loaded: The models in memory, by name.
        digests: The digests of those on disk, by name.
    """

    up: bool
    installed: Mapping[str, int] = field(default_factory=dict)
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


DOWN = ModelState(up=False)


async def read(url: str, seconds: float = SECONDS) -> ModelState:
    """Return how the model server at *url* is; one that does not answer in time is down."""
    try:
        async with asyncio.timeout(seconds), http.async_client(url, seconds=seconds) as client:
            await _json(client, "/api/version")
            # Not at once: should one fail, the client closes under the feet of the other.
            tags, running = await _json(client, "/api/tags"), await _json(client, "/api/ps")
            return ModelState(
                up=True,
                installed={str(each["name"]): int(each["size"]) for each in _models(tags)},
                loaded={
                    str(each["name"]): Loaded(int(each["size"]), int(each.get("size_vram", 0)))
                    for each in _models(running)
                },
                digests={
                    str(each["name"]): str(each["digest"])
                    for each in _models(tags)
                    if each.get("digest")
                },
            )
    except (BeastError, TimeoutError, KeyError, TypeError, ValueError):
        return DOWN


async def _json(client: http.AsyncClient, path: str) -> Any:
    with http.speaking_to(SERVICE):
        answer = await client.get(path)
        answer.raise_for_status()
    try:
        return answer.json()
    except ValueError as wrong:
        raise ServiceError(f"{SERVICE} answered {path} with no JSON") from wrong


def _models(answer: Any) -> list[dict[str, Any]]:
    return list(answer["models"] or ())
