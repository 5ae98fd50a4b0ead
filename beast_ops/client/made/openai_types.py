# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.openai`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class AnswerMessage(TypedDict):
    """What is answered."""

    role: str
    content: str


class ChatBody(TypedDict):
    """A chat as OpenAI's clients send it; fields that are not listed are left aside."""

    model: str
    messages: Sequence[ChatMessage]
    stream: NotRequired[bool]
    stream_options: NotRequired[StreamOptions | None]
    temperature: NotRequired[float | None]
    top_p: NotRequired[float | None]
    max_tokens: NotRequired[int | None]
    max_completion_tokens: NotRequired[int | None]
    seed: NotRequired[int | None]
    stop: NotRequired[str | Sequence[str] | None]
    n: NotRequired[int | None]


class ChatMessage(TypedDict):
    """What one side said."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: NotRequired[str | Sequence[Part] | None]


class Choice(TypedDict):
    """The one answer."""

    index: int
    message: AnswerMessage
    finish_reason: str


class Completion(TypedDict):
    """An answer as OpenAI's clients read it; `beast` says what it stands on."""

    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    beast: NotRequired[dict[str, Any]]


class ModelList(TypedDict):
    """All collections, as models."""

    object: NotRequired[Literal["list"]]
    data: list[ModelRow]


class ModelRow(TypedDict):
    """A collection, as a model one can chat with."""

    id: str
    object: NotRequired[Literal["model"]]
    created: NotRequired[int]
    owned_by: NotRequired[str]


class Part(TypedDict):
    """A part of a message."""

    type: str
    text: NotRequired[str | None]


class StreamOptions(TypedDict):
    """What a stream brings besides the answer."""

    include_usage: NotRequired[bool]


class Usage(TypedDict):
    """How many tokens an answer took, as the model server counts them."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
