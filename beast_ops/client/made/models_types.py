# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.models`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class DeletedModel(TypedDict):
    """The model that is gone."""

    deleted: str


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
