# SPDX-License-Identifier: Apache-2.0
"""The guards of a process: one for each model of each server, found by name."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from beast_ops.clock import SYSTEM, Clock
from beast_ops.valkey import given

from .figures import Figures
from .guard import Guard
from .pace import Share, alone
from .policy import Policy

MOST = 64  # whoever asks names the model: strangers must not make new ones for ever


@dataclass(frozen=True, slots=True)
class Standing:
    """How the calls of one model are: the state of its breaker, how often it opened, figures."""

    state: str
    opened: int
    figures: Figures


class Guards:
    """All guards, each made when first needed; for all threads."""

    def __init__(self, clock: Clock = SYSTEM, most: int = MOST, share: Share = alone) -> None:
        """Have none; keep *most* at once, more only while calls need them.

        Args:
            clock: Tells how long a model was left alone.
            most: How many to keep.
            share: Returns the Valkey in which all processes count, if there is one.
        """
        self._clock, self._most, self._share = clock, most, share
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str, Policy], Guard] = {}

    def get(self, url: str, model: str, policy: Policy) -> Guard:
        """Return what stands before *model* at the server *url*, for calls under *policy*."""
        key = (host(url), model, policy)
        with self._lock:
            found = self._known.pop(key, None)
            if found is None:
                self._forget()
                name = f"{model} at {key[0]}" if model else key[0]
                found = Guard(name, policy, self._clock, self._share)
            self._known[key] = found  # the last one asked for leaves last
            return found

    def standings(self) -> Mapping[tuple[str, str], tuple[Standing, ...]]:
        """Return how all are, by server and model; several if under several policies."""
        with self._lock:
            known = list(self._known.items())
        found: dict[tuple[str, str], tuple[Standing, ...]] = {}
        for (server, model, _), guard in known:
            one = Standing(guard.state, guard.opened, guard.figures())
            found[server, model] = (*found.get((server, model), ()), one)
        return found

    async def aclose(self) -> None:
        """Close what calls of this event loop opened to count their pace."""
        with self._lock:
            known = list(self._known.values())
        for guard in known:
            await guard.aclose()

    def clear(self) -> None:
        """Forget all, for tests."""
        with self._lock:
            self._known.clear()

    def _forget(self) -> None:
        idle = [key for key, guard in self._known.items() if guard.idle]
        for key in idle[: max(0, len(self._known) + 1 - self._most)]:
            del self._known[key]


GUARDS = Guards(share=given)


def host(url: str) -> str:
    """Return the host and port of *url*, which has no key in it then."""
    return urlsplit(url).netloc.rpartition("@")[2]
