# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.chat`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class CollectionSessionBody(TypedDict):
    """A new conversation about a whole collection."""

    title: NotRequired[str]
    collection: NotRequired[str]


class MessageModel(TypedDict):
    """What one side said: `about` an answer, its passages, which of them it cites, and more."""

    id: int
    role: Literal["user", "assistant"]
    text: str
    state: Literal["answering", "done", "cut", "failed"]
    about: dict[str, Any]
    created: str


class MessagesModel(TypedDict):
    """A part of what was said, the oldest first; `total` counts all."""

    messages: list[MessageModel]
    total: int


class QuestionBody(TypedDict):
    """What is asked."""

    text: str


class SessionsModel(TypedDict):
    """A part of the conversations, the newest first; `total` counts all."""

    sessions: list[SessionsSessionModel]
    total: int


class SessionsSessionBody(TypedDict):
    """A new conversation about a notebook; without a title its first question is one."""

    title: NotRequired[str]


class SessionsSessionModel(TypedDict):
    """A conversation, and how many messages it has."""

    id: str
    notebook: str | None
    collection: str
    title: str
    messages: int
    created: str
    changed: str


class AboutQuery(TypedDict, total=False):
    """What `about` may be asked besides."""

    limit: int
    offset: int


class ListQuery(TypedDict, total=False):
    """What `list` may be asked besides."""

    limit: int
    offset: int


class MessagesQuery(TypedDict, total=False):
    """What `messages` may be asked besides."""

    limit: int
    offset: int
