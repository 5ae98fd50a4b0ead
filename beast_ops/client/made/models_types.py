# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.models`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class CatalogueAnswer(TypedDict):
    """Models that fit the question, and how many were passed over for what reason."""

    models: list[CatalogueModel]
    passed_over: dict[str, int]


class CatalogueModel(TypedDict):
    """A model, what is known of it, and whose word that is."""

    id: str
    name: str
    family: str
    author: str
    license: str
    parameters: int | None
    context: int | None
    bytes: int | None
    tasks: list[str]
    tags: list[str]
    here: bool
    why: list[str]
    fit: FitModel
    sources: dict[str, str]


class DeletedModel(TypedDict):
    """The model that is gone."""

    deleted: str


class FitModel(TypedDict):
    """Whether a model would fit on the host of the model server, as far as that can be seen."""

    verdict: str
    short: NotRequired[str | None]
    weights: NotRequired[int | None]
    memory: NotRequired[int | None]
    change: NotRequired[dict[str, Any] | None]


class MemoryModel(TypedDict):
    """How a model is in memory: all its bytes, and those of them in the memory of a GPU."""

    bytes: int
    vram_bytes: int
    gpu_share: float
    context: int | None
    until: str


class ModelModel(TypedDict):
    """A model on disk; `memory` is there while it is loaded."""

    name: str
    bytes: int
    family: str
    parameters: str
    quantization: str
    context: int | None
    modified: str
    memory: MemoryModel | None


class ModelsModel(TypedDict):
    """All models, by name."""

    models: list[ModelModel]


class PullBody(TypedDict):
    """Which model to fetch."""

    model: str
    force: NotRequired[bool]


class CatalogueQuery(TypedDict, total=False):
    """What `catalogue` may be asked besides."""

    text: str
    task: Literal["chat", "code", "image", "embedding", "speech"] | None
    family: Literal["llama", "mistral", "gemma", "phi", "qwen", "deepseek", "sdxl", "flux", "whisper", "other"] | None
    max_gb: float | None
    limit: int
