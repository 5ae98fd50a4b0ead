# SPDX-License-Identifier: Apache-2.0
"""Audit this host, and say what a look from another host adds to that."""

import asyncio
from collections.abc import Iterable, Iterator

from beast_ops.cards import read_services
from beast_ops.place import Place

from . import exposure
from .access import refusals
from .finding import Finding, Report, Weight
from .firewall import bypassed


def audit(place: Place) -> Report:
    """Return what the installation at *place* shows to whoever comes to its host.

    Raises:
        NotDeployedError: If nothing is deployed there.
        CardError: If its services cannot be read.
    """
    services = read_services(place.require_deployed().services)
    host = exposure.look()
    declared = exposure.declared(services)
    findings = [
        *exposure.undeclared(place, services, host),
        *asyncio.run(refusals(services, place.secrets)),
        *exposure.notes(place, services, host),
        *bypassed(declared),
    ]
    order = list(Weight)
    return Report(
        findings=tuple(sorted(findings, key=lambda each: order.index(each.weight))),
        open=exposure.opened(place, services, host),
        declared=declared,
    )


def reached(report: Report, ports: Iterable[int], prober: str) -> Iterator[Finding]:
    """Yield what it means that *prober* got in by *ports*, and by no others.

    Args:
        report: What the host itself says.
        ports: TCP ports that were open from outside.
        prober: The other host.
    """
    reachable = set(ports)
    declared = {each.port for each in report.declared if exposure.beyond_loopback(each.address)}
    known = {
        each.port: each
        for each in report.open
        if each.protocol == "tcp" and exposure.beyond_loopback(each.address)
    }
    for port in sorted(reachable - declared):
        owner = known.get(port)
        if owner is not None and not owner.ours:
            said = f"{prober} reaches port {port} of {owner.owner}, which is none of ours"
            yield Finding("reached-foreign", Weight.NOTE, said)
        else:
            who = owner.owner if owner else "nobody this host can name"
            said = f"{prober} reaches port {port}, which is not declared and belongs to {who}"
            yield Finding("reached-undeclared", Weight.FAILURE, said, exposure.NEAREST)
    for port in sorted(declared - reachable):
        said = f"{prober} cannot reach port {port}, which is declared"
        hint = "See whether a firewall stands between the two hosts."
        yield Finding("reached-not", Weight.WARNING, said, hint)
