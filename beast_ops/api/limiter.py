# SPDX-License-Identifier: Apache-2.0
"""How often one may ask: SPEC B-LIMIT, counted per token or session, else per client.

Counted in this process, or for several of them in Valkey, as `counting` has it. Not counted is
the operator's own token: whoever holds it owns the machine, and the verbs send thousands of
documents with it; nor the figures' token, which Prometheus alone has; nor who asks from this very
host without a token, such as what probes health.
"""

import time
from dataclasses import dataclass

from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond

from beast_ops.access.model import Principal
from beast_ops.counting import Counting

from .clients import Client
from .rules import Rule
from .settings import Limits

FREE = frozenset({"operator", "metrics", "service"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one may ask now, and how it stands with the limit that is nearest.

    Attributes:
        allowed: Whether one may.
        limit: How many requests it takes.
        remaining: How many are left.
        seconds: Until when there are more.
    """

    allowed: bool
    limit: int
    remaining: int
    seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return what is told of it with the answer."""
        told = {"limit": self.limit, "remaining": self.remaining, "reset": self.seconds}
        return [(f"ratelimit-{name}".encode(), str(value).encode()) for name, value in told.items()]


class Limiter:
    """Counts requests."""

    def __init__(self, counted: Counting) -> None:
        """Count by *counted*."""
        self._counted = counted
        self._items: tuple[Limits, dict[str, RateLimitItem]] | None = None

    async def take(
        self, rule: Rule, principal: Principal | None, client: Client, limits: Limits
    ) -> Verdict | None:
        """Count one request; `None` if it is none that is counted.

        Args:
            rule: Names the limit.
            principal: Who asks.
            client: From where.
            limits: How much each takes.
        """
        if not rule.limit:
            return None
        if principal is None:
            if client.local:
                return None
            key = client.address
        elif principal.kind in FREE:
            return None
        else:
            key = principal.key
        items = self._of(limits)
        for item in (items["burst"], items[rule.limit]):
            name = rule.limit if item is not items["burst"] else ""
            if not await self._counted.hit(item, name, key):
                return await self._verdict(item, rule, key, allowed=False)
        return await self._verdict(items[rule.limit], rule, key, allowed=True)

    async def _verdict(
        self, item: RateLimitItem, rule: Rule, key: str, *, allowed: bool
    ) -> Verdict:
        burst = self._items is not None and item is self._items[1]["burst"]
        stats = await self._counted.stats(item, "" if burst else rule.limit, key)
        seconds = max(1, round(stats.reset_time - time.time()))
        return Verdict(allowed, item.amount, stats.remaining if allowed else 0, seconds)

    def _of(self, limits: Limits) -> dict[str, RateLimitItem]:
        if self._items is None or self._items[0] is not limits:
            spell = max(1, round(limits.burst / limits.per_second))
            items: dict[str, RateLimitItem] = {
                name: RateLimitItemPerMinute(getattr(limits, name))
                for name in ("chat", "transform", "search", "ingest", "default")
            }
            items["burst"] = RateLimitItemPerSecond(limits.per_second * spell, spell)
            self._items = (limits, items)
        return self._items[1]
