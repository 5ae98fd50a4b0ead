# SPDX-License-Identifier: Apache-2.0
"""Under which names the API may be asked: those of its settings, and those the release gives it.

Behind the front door it is called by the host of its route, by other containers by the name of
its service. Both stand in the contract of the release and may change while the API runs.
"""

import socket
from collections.abc import Callable
from urllib.parse import urlsplit

from beast_ops.card_parts import Route
from beast_ops.cards import Services
from beast_ops.errors import BeastError
from beast_ops.runtime.child import is_inside

from .settings import Settings

FORWARD = "forward"
LOCAL = "localhost"  # the domain of an installation that names none


def own_names(services: Services) -> tuple[str, ...]:
    """Return the names that the release of *services* gives its API."""
    try:
        api = services.api()
    except BeastError:
        return ()
    inside = urlsplit(api.inside or "").hostname
    route = f"{api.route.host}.{services.domain or LOCAL}" if api.route else None
    return tuple(name for name in (inside, route) if name)


def guests(services: Services) -> dict[str, Route]:
    """Return the routes that the front door asks us about, by their full names."""
    domain = services.domain or LOCAL
    routes = (service.route for service in services)
    return {f"{route.host}.{domain}": route for route in routes if route and route.auth == FORWARD}


def doors(services: Services) -> tuple[str, ...]:
    """Return the names of what stands before the services of a release."""
    addresses = (service.inside for service in services if service.publish)
    hosts = (urlsplit(address).hostname for address in addresses if address)
    return tuple(host for host in hosts if host)


def own_addresses() -> tuple[str, ...]:
    """Return the addresses of our container, by which its host asks us where we have no name.

    So it does in a drill. No page of a stranger gets in by it: a name can be rebound to our
    address, and is what the browser then says; an address cannot.
    """
    if not is_inside():
        return ()
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


class Named:
    """The settings in force, with our own names among the allowed hosts."""

    def __init__(self, settings: Callable[[], Settings], services: Callable[[], Services]) -> None:
        """Join what *settings* and *services* say, each anew whenever it changed."""
        self._settings, self._services = settings, services
        self._names: tuple[str, ...] = ()
        self._addresses = own_addresses()
        self.guests: dict[str, Route] = {}
        self.doors: tuple[str, ...] = ()
        self._seen: tuple[Settings, Services | None] | None = None
        self._joined: Settings | None = None

    def __call__(self) -> Settings:
        """Return the settings; raises whatever reading them raises."""
        settings, services = self._settings(), self._contract()
        seen = self._seen
        if self._joined is None or not seen or seen[0] is not settings or seen[1] is not services:
            if services is not None:
                self._names = own_names(services)
                self.guests, self.doors = guests(services), doors(services)
            hosts = (*settings.allowed_hosts, *self._names, *self._addresses)
            self._joined = settings.model_copy(update={"allowed_hosts": hosts})
            self._seen = (settings, services)
        return self._joined

    def _contract(self) -> Services | None:
        """Return the contract; `None` while nobody can read it, which is no reason to stop."""
        try:
            return self._services()
        except BeastError:
            return None
