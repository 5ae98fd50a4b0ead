# SPDX-License-Identifier: Apache-2.0
"""Who is at the other end: the peer, or whom the front door names, if it is the front door.

Anybody can write X-Forwarded-For. It is believed from the front door of the release, which is
known by its name among the containers, and from the proxies that the settings name.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import Scope

from beast_ops.clock import SYSTEM, Clock

FRESH_SECONDS = 5.0
LOOPBACK = frozenset({"127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks, and how.

    Attributes:
        address: Where the request came from.
        secure: Whether it came over TLS.
        through: Whether it came through a proxy that is believed.
    """

    address: str
    secure: bool = False
    through: bool = False

    @property
    def local(self) -> bool:
        """Whether it is a process of this very host."""
        return not self.through and self.address in LOOPBACK


class Clients:
    """Tells who asks."""

    def __init__(
        self,
        proxies: Callable[[], tuple[str, ...]],
        doors: Callable[[], tuple[str, ...]],
        clock: Clock = SYSTEM,
    ) -> None:
        """Believe *proxies*, by address or network, and those called as *doors* says."""
        self._proxies, self._doors, self._clock = proxies, doors, clock
        self._known: frozenset[str] = frozenset()
        self._looked = float("-inf")

    async def who(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Client:
        """Return who sent the request of *scope*."""
        peer = (scope.get("client") or ("",))[0]
        secure = scope.get("scheme") == "https"
        if b"x-forwarded-for" not in headers:
            return Client(peer, secure)
        proxies = self._proxies()
        await self._look()
        if not self._believed(peer, proxies):
            return Client(peer, secure)
        # From the right: what stands further left, the client may have written itself.
        hops = [hop.strip() for hop in headers[b"x-forwarded-for"].decode("latin-1").split(",")]
        while len(hops) > 1 and self._believed(hops[-1], proxies):
            hops.pop()
        proto = headers.get(b"x-forwarded-proto", b"").strip().lower()
        address = hops[-1] if _is_address(hops[-1]) else peer
        return Client(address, proto in {b"https", b"wss"}, through=True)

    def _believed(self, address: str, proxies: tuple[str, ...]) -> bool:
        if address in self._known:
            return True
        if not proxies or not _is_address(address):
            return False
        found = ipaddress.ip_address(address)
        return any(found in ipaddress.ip_network(each, strict=False) for each in proxies)

    async def _look(self) -> None:
        """Ask where the front door is now; a container gets another address with each start."""
        now = self._clock.monotonic()
        if now - self._looked < FRESH_SECONDS:
            return
        self._looked = now
        loop = asyncio.get_running_loop()
        found: set[str] = set()
        for name in self._doors():
            try:
                answers = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
            except OSError:
                continue  # it is not there
            found.update(str(answer[4][0]) for answer in answers)
        self._known = frozenset(found)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
