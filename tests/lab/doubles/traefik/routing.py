# SPDX-License-Identifier: Apache-2.0
"""Turn what the files say into what serves: routers with their middlewares and services."""

import ipaddress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from . import backend, internal, middlewares
from .config import Dynamic, Static
from .middlewares import Handler, plain
from .rules import Rule, parse
from .schema import ConfigError
from .wire import Request, Response


@dataclass
class Router:
    """One router: what it serves, or why it does not."""

    name: str
    said: dict[str, Any]
    error: str = ""
    rule: Rule | None = None
    handler: Handler | None = None
    priority: int = 0
    secure: bool = False
    entries: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The service with the provider it is from."""
        return _full(str(self.said.get("service", "")))


@dataclass
class Table:
    """All routers of one moment."""

    routers: list[Router] = field(default_factory=list)
    dynamic: Dynamic = field(default_factory=Dynamic)

    def find(self, request: Request) -> Router | None:
        """Return the router that *request* goes to."""
        for router in self.routers:
            if (
                router.handler is not None
                and router.rule is not None
                and request.entry in router.entries
                and router.secure == request.secure
                and router.rule(request)
            ):
                return router
        return None


def _full(name: str) -> str:
    return name if "@" in name else f"{name}@file"


def table(static: Static, dynamic: Dynamic) -> Table:
    """Return the routers that *dynamic* makes; what is wrong with one disables it alone."""
    made = Table(dynamic=dynamic)
    for name, said in dynamic.routers.items():
        router = Router(name, said)
        try:
            _fill(router, static, made)
        except ConfigError as wrong:
            router.error = str(wrong)
            router.handler = None
            print(f'ERR error="{wrong}" routerName={name}@file', flush=True)
        made.routers.append(router)
    made.routers.sort(key=lambda router: (-router.priority, router.name))
    return made


def _fill(router: Router, static: Static, made: Table) -> None:
    said = router.said
    rule = str(said.get("rule") or "")
    router.rule = parse(rule) if rule else None
    if router.rule is None:
        raise ConfigError("empty rule")
    router.priority = int(said.get("priority") or 0) or len(rule)
    wanted = said.get("entryPoints") or [name for name in static.entries if name != "traefik"]
    for name in wanted:
        if name not in static.entries:
            print(f'ERR EntryPoint doesn\'t exist: "{name}" routerName={router.name}', flush=True)
    router.entries = tuple(name for name in wanted if name in static.entries)
    if not router.entries:
        raise ConfigError("no valid entryPoint for this router")
    router.secure = "tls" in said or any(
        static.entries[name].tls is not ... for name in router.entries
    )
    options = (said.get("tls") or {}).get("options")
    if options and options.partition("@")[0] not in {"default", *made.dynamic.options}:
        raise ConfigError(f"building router handler: unknown TLS options: {options}@file")
    resolver = (said.get("tls") or {}).get("certResolver")
    if resolver and resolver not in (static.raw.get("certificatesResolvers") or {}):
        raise ConfigError(f'Router uses a nonexistent certificate resolver "{resolver}"')
    names = [*(static.entries[router.entries[0]].middlewares), *(said.get("middlewares") or ())]
    handler = _service(router, static, made)
    router.handler = middlewares.chain(names, made.dynamic.middlewares, handler)


def _service(router: Router, static: Static, made: Table) -> Handler:
    name = str(router.said.get("service") or "")
    own, _, provider = name.partition("@")
    if provider == "internal":
        return internal.service(own, static, made)
    if own not in made.dynamic.services:
        raise ConfigError(f'the service "{_full(name)}" does not exist')
    balancer = made.dynamic.services[own].get("loadBalancer") or {}
    servers = [urlsplit(str(each.get("url", ""))) for each in balancer.get("servers") or ()]
    if any(each.scheme not in {"http", "https"} or not each.hostname for each in servers):
        raise ConfigError(f"error parsing server URL of {name}")
    keeps_host = balancer.get("passHostHeader", True)
    turn = iter(_endless(len(servers)))

    async def handle(request: Request) -> Response:
        if not servers:
            return plain(503, "no available server")
        server = servers[next(turn)]
        if not keeps_host:
            request.headers.put("Host", server.netloc)
        return await backend.ask(server, request)

    return handle


def _endless(length: int) -> Any:
    position = -1
    while True:
        position = (position + 1) % max(1, length)
        yield position


def forwarded(request: Request, trusted: tuple[str, ...], *, insecure: bool) -> None:
    """Tell the service who asks for what, and believe only the trusted."""
    source = ipaddress.ip_address(request.peer)
    known = any(source in ipaddress.ip_network(each, strict=False) for each in trusted)
    headers = request.headers
    if not (insecure or known):
        names = {key for key, _ in headers.fields if key.lower().startswith("x-forwarded-")}
        headers.drop(*names, "X-Real-Ip")
    hops = [*headers.all("x-forwarded-for"), request.peer]
    headers.put("X-Forwarded-For", ", ".join(hops))
    proto = "https" if request.secure else "http"
    if request.upgrade:
        proto = proto.replace("http", "ws")
    port = headers.get("host").rpartition(":")[2]
    usual = {
        "X-Forwarded-Proto": proto,
        "X-Forwarded-Host": headers.get("host"),
        "X-Forwarded-Port": port if port.isdigit() else ("443" if request.secure else "80"),
        "X-Real-Ip": request.peer,
    }
    for name, value in usual.items():
        if not headers.get(name):
            headers.put(name, value)
