# SPDX-License-Identifier: Apache-2.0
"""Whether the containers' network is free, and its names lead here."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterable, Iterator

from .finding import Finding
from .outside import ask

RESOLVE_SECONDS = 5.0
PROPOSED = ("10.213.0.0/24", "172.30.213.0/24", "192.168.213.0/24")
HALF = 1  # a VPN that takes all traffic has a route to each half of all addresses


def check_subnet(subnet: str | None, bridges: set[str]) -> Iterator[Finding]:
    """Refuse a network that this host reaches otherwise already.

    Args:
        subnet: The network of the containers; it is Docker's choice if there is none.
        bridges: The interfaces of our own networks.
    """
    if subnet is None:
        return
    try:
        wanted = ipaddress.IPv4Network(subnet)
    except ValueError as wrong:
        yield Finding(
            "subnet-wrong",
            f"The network of the containers is none: {wrong}.",
            f"Write it as in {PROPOSED[0]}: its first address, and how many bits are fixed.",
        )
        return
    taken = [(found, device) for found, device in routes() if device not in bridges]
    for found, device in taken:
        if found.overlaps(wanted):
            yield Finding(
                "subnet-taken",
                f"The containers' network {subnet} overlaps {found}, which this machine reaches "
                f"by {device}.",
                f"Choose another network for the containers{_proposal(taken)}.",
            )
            return


def _proposal(taken: list[tuple[ipaddress.IPv4Network, str]]) -> str:
    for proposed in PROPOSED:
        if not any(found.overlaps(ipaddress.IPv4Network(proposed)) for found, _ in taken):
            return f", such as {proposed}"
    return ": ip route shows what is taken"


def routes() -> Iterator[tuple[ipaddress.IPv4Network, str]]:
    """Yield the networks this host has routes to, in whatever table, and the interface."""
    network = None
    for line in ask("ip", "-4", "route", "show", "table", "all").lines:
        words = line.split()
        if words[0] != "nexthop":  # which goes on with the route of the line before
            network = _network(words[1:] if words[0] == "unicast" else words)
        if network is not None and "dev" in words[:-1]:
            yield network, words[words.index("dev") + 1]


def _network(words: list[str]) -> ipaddress.IPv4Network | None:
    """Return where a route leads to; `None` if that is everywhere, nowhere, or this host."""
    try:
        found = ipaddress.IPv4Network(words[0], strict=False)
    except (ValueError, IndexError):
        return None
    return found if found.prefixlen > HALF else None


def check_names(names: list[str], acme: str) -> Iterator[Finding]:
    """Refuse names that a public authority could not find; warn of those that lead elsewhere."""
    found = resolve(names) if acme else {}
    unknown = [name for name in sorted(found) if not found[name]]
    if unknown:
        yield Finding(
            "domain-unresolved",
            f"No public authority certifies names without an address: {', '.join(unknown)}.",
            "Give them one where the names of the domain are kept, or choose another way: "
            "./beast deploy --set traefik_tls=local_ca",
            blocks=acme == "http",
        )
    here = addresses(set().union(*found.values()))
    away = [name for name in sorted(found) if found[name] and not found[name] & here]
    if away:
        told = ", ".join(f"{name} ({', '.join(sorted(found[name]))})" for name in away)
        yield Finding(
            "domain-elsewhere",
            f"Names of the front door lead to no address of this machine: {told}.",
            "That is right if a router or proxy passes ports 80 and 443 on to it; otherwise "
            "correct their addresses.",
            blocks=False,
        )


def resolve(names: Iterable[str]) -> dict[str, set[str]]:
    """Return the addresses of each of *names*; none if nobody tells in time."""
    found: dict[str, set[str]] = {name: set() for name in names}

    def look(name: str) -> None:
        try:
            told = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found[name] = {str(each[4][0]) for each in told}

    asking = [threading.Thread(target=look, args=(name,), daemon=True) for name in found]
    for each in asking:
        each.start()
    end = time.monotonic() + RESOLVE_SECONDS
    for each in asking:
        each.join(max(0.0, end - time.monotonic()))
    return dict(found)


def addresses(candidates: Iterable[str]) -> set[str]:
    """Return those of *candidates* that are addresses of this host."""
    return {each for each in candidates if _is_here(each)}


def _is_here(address: str) -> bool:
    """Return whether one can listen at *address*: only a host's own addresses allow it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
