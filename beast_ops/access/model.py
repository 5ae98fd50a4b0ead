# SPDX-License-Identifier: Apache-2.0
"""Who asks, and what they may: read, also write, or everything."""

import hashlib
import secrets
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from .rules import EVERYTHING, ModelRules

SECRET_BYTES = 32
NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,63}$"

ScopeName = Literal["read", "write", "admin"]
Kind = Literal["operator", "token", "session", "metrics", "service"]


class Scope(IntEnum):
    """What somebody may do; whoever may more, may less as well."""

    METRICS = -1  # beside the others: the figures, and nothing else
    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The scope as people write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: routes find it as `request.state.principal`.

    Attributes:
        name: The name of the token; `operator` for the one of the release.
        scope: What it may do.
        kind: By what it was recognised.
        key: What tells it from all others, and opens nothing.
        origin: The key of the token that it comes from in the end.
        expires: When it ends, in seconds since 1970; `None` if it does not.
    """

    name: str
    scope: Scope
    kind: Kind
    key: str
    origin: str
    expires: float | None = None


@dataclass(slots=True)
class Token:
    """What is known of a token; the token itself is not."""

    hash: str
    name: str
    scope: Scope
    created: float
    expires: float | None
    used: float | None = None
    rules: ModelRules = EVERYTHING


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in, at one host alone."""

    hash: str
    origin: str
    name: str
    scope: Scope
    host: str
    expires: float


def hashed(secret: bytes) -> str:
    """Return what is kept of *secret*.

    One round of SHA-256 is enough: the secrets are 256 random bits, which nobody tries out.
    """
    return hashlib.sha256(secret).hexdigest()


def new_secret() -> str:
    """Return a new secret of 256 bits."""
    return secrets.token_urlsafe(SECRET_BYTES)
