# SPDX-License-Identifier: Apache-2.0
"""Who asks, and whether they ask too often."""

import asyncio
import hmac
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from beast_ops.access import services
from beast_ops.access.book import TokenBook
from beast_ops.access.lockout import Lockout
from beast_ops.access.model import Scope
from beast_ops.access.rules import EVERYTHING, ModelRules
from beast_ops.api.clients import Client
from beast_ops.errors import BeastError
from beast_ops.keys import read_secret

from .permits import Permit
from .refusal import RefusedError
from .settings import Settings

LOG = logging.getLogger("beast.gateway")
METRICS = "metrics_token"
Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: The name of the token, or of the service.
        scope: What it may do.
        key: What tells it from all others, and opens nothing.
        rules: What it may ask of the model server.
        ours: Whether it is a service of the release, which asks as often as it must.
    """

    name: str
    scope: Scope
    key: str
    rules: ModelRules = EVERYTHING
    ours: bool = False


def known(secrets: Path, clients: Mapping[str, Scope]) -> dict[bytes, Caller]:
    """Return who is known without looking: by its token each of *clients*, and the figures' own.

    Args:
        secrets: The folder of the files with their tokens.
        clients: What each may do, by name.

    Raises:
        BeastError: If a token cannot be read.
    """
    figures = read_secret(secrets / METRICS).encode()
    return {
        figures: Caller(METRICS, Scope.METRICS, METRICS, ours=True),
        **{
            token: Caller(name, clients[name], f"service {name}", ours=True)
            for name, token in services.tokens(secrets, clients).items()
        },
    }


class Gate:
    """Who may come in, and how often."""

    def __init__(self, services: Mapping[bytes, Caller], book: TokenBook) -> None:
        """Know the *services* of the release by their tokens, and look up others in *book*."""
        self._services, self._book = services, book
        self._lockout = Lockout()
        self._counted = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def recognise(self, headers: Headers, client: Client, settings: Settings) -> Caller:
        """Return who sent *headers*.

        Raises:
            RefusedError: If it is nobody that is known, or *client* guessed too often.
        """
        given = [value for name, value in headers if name == b"authorization"]
        if not given:
            raise RefusedError(401, "a token is missing", www_authenticate="Bearer")
        scheme, _, token = given[0].partition(b" ")
        if len(given) == 1 and scheme.lower() == b"bearer" and token.strip():
            found = await self._find(token.strip())
            if found is not None:
                return found
        self._lockout.note(client.address)
        seconds = settings.guess_minutes * 60
        # The guess that was just noted is none too many by itself.
        if wait := self._lockout.wait(client.address, settings.guesses + 1, seconds):
            again = str(int(wait) + 1)
            raise RefusedError(429, "too many wrong tokens came from here", retry_after=again)
        raise RefusedError(401, "this token is none", www_authenticate="Bearer")

    async def _find(self, token: bytes) -> Caller | None:
        ours = None
        for secret, service in self._services.items():  # all of them, whichever is right
            if hmac.compare_digest(secret, token):
                ours = service
        if ours is not None:
            return ours
        try:
            found = await asyncio.to_thread(self._book.find, token)
        except BeastError as failed:
            LOG.warning("tokens cannot be looked up: %s", failed)
            raise RefusedError(503, "tokens cannot be looked up", retry_after="2") from None
        if found is None:
            return None
        return Caller(found.name, found.scope, found.hash, found.rules)

    def count(self, caller: Caller, permit: Permit, settings: Settings) -> None:
        """Count a request of *caller*.

        Raises:
            RefusedError: If it is one too many.
        """
        if caller.ours:
            return
        own = caller.rules.per_minute if permit.counted else None
        item = RateLimitItemPerMinute(own or settings.per_minute)
        kind = "work" if permit.counted else "look"
        if not self._counted.hit(item, kind, caller.key):
            stats = self._counted.get_window_stats(item, kind, caller.key)
            again = str(max(1, round(stats.reset_time - time.time())))
            reason = f"this token may ask {item.amount} times a minute"
            raise RefusedError(429, reason, retry_after=again)
