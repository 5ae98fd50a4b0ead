# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""Types of `client.access`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NotRequired, TypedDict


class ChangeModel(TypedDict):
    """One change: who asked for it from where, and how it was answered."""

    id: int
    at: str
    who: str
    client: str
    method: str
    path: str
    status: int


class ChangesModel(TypedDict):
    """Changes, the newest first; `next` goes into `before` to see older ones."""

    changes: list[ChangeModel]
    next: int | None


class CodeModel(TypedDict):
    """A code that lets one browser in, once."""

    code: str
    expires_in: int


class MadeModel(TypedDict):
    """A new token, shown this once."""

    name: str
    scope: Literal["read", "write", "admin"]
    created: str
    expires: str | None
    used: str | None
    models: list[str] | None
    per_minute: int | None
    token: str


class TokenBody(TypedDict):
    """The token that is wanted."""

    name: str
    scope: NotRequired[Literal["read", "write", "admin"]]
    days: NotRequired[float | None]
    models: NotRequired[Sequence[str] | None]
    per_minute: NotRequired[int | None]


class TokenModel(TypedDict):
    """What is known of a token; it opens nothing."""

    name: str
    scope: Literal["read", "write", "admin"]
    created: str
    expires: str | None
    used: str | None
    models: list[str] | None
    per_minute: int | None


class TokensModel(TypedDict):
    """All tokens but those of the release."""

    tokens: list[TokenModel]


class WhoModel(TypedDict):
    """Who asks, as the API sees it."""

    name: str
    scope: Literal["read", "write", "admin"]
    kind: Literal["token", "session"]
    expires: str | None


class AccessSessionBody(TypedDict):
    """The code that somebody typed in, and where they wanted to go."""

    code: str
    to: NotRequired[str]


class AccessSessionModel(TypedDict):
    """Who is logged in, and until when; `to` is where to go now, on this host."""

    name: str
    scope: Literal["read", "write", "admin"]
    expires: str
    to: NotRequired[str]


class ChangesQuery(TypedDict, total=False):
    """What `changes` may be asked besides."""

    limit: int
    before: int | None
