# SPDX-License-Identifier: Apache-2.0
"""What is asked of the API, and whether it may be asked again; pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KEY = "Idempotency-Key"
# What these answer is a secret, which the API keeps nowhere to give it again.
ONCE = frozenset({"/tokens", "/auth/codes", "/session"})
FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.2, 5.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        method: Its method.
        path: Its path, whose parts are quoted.
        query: What stands behind the question mark.
        body: What is sent as JSON; nothing if `None`.
        content: What is sent as it is, instead.
    """

    method: str
    path: str
    query: Mapping[str, Any] | None = None
    body: Any = None
    content: Any = None

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent twice, since its effect is that of once.

        A POST is, with a key by which the API knows it again.
        """
        if self.content is not None:
            return False  # what was read of it is gone
        return self.method == "GET" or (self.method == "POST" and self.path not in ONCE)

    def options(self, key: str = "") -> dict[str, Any]:
        """Return what httpx is told besides method and path; *key* is that of a POST."""
        headers = {KEY: key} if key else {}
        if self.content is not None:
            headers["content-type"] = "application/octet-stream"
        said = {"params": self.query, "json": self.body, "content": self.content}
        kept = {name: value for name, value in said.items() if value is not None}
        return {**kept, "headers": headers}


@dataclass(frozen=True, slots=True)
class Again:
    """How often, and for how long, one and the same is asked.

    Attributes:
        attempts: How often in all; a request that might have had its effect is asked once.
        seconds: How long in all until no further attempt is made.
    """

    attempts: int = 3
    seconds: float = 30.0

    def key(self, asked: Asked) -> str:
        """Return the key for all attempts at *asked*; empty if it needs none."""
        again = self.attempts > 1 and asked.method == "POST" and asked.repeatable
        return uuid.uuid4().hex if again else ""

    def wait(self, attempt: int, told: float, taken: float, *, safe: bool) -> float | None:
        """Return the seconds to wait before the next attempt; `None` if there is none.

        Args:
            attempt: How many there were.
            told: How many seconds the API asks for.
            taken: How many seconds they took.
            safe: Whether it can do no harm.
        """
        if not safe or attempt >= self.attempts:
            return None
        seconds = max(told, min(FIRST_PAUSE_SECONDS * 2.0 ** (attempt - 1), LAST_PAUSE_SECONDS))
        return seconds if taken + seconds <= self.seconds else None


ONE_TRY = Again(attempts=1)
