# SPDX-License-Identifier: Apache-2.0
"""Whether a firewall promises what it does not keep: Docker's ports pass by ufw."""

from collections.abc import Iterator
from pathlib import Path

from beast_ops.errors import CommandError
from beast_ops.runner import LocalRunner, Runner

from .exposure import beyond_loopback
from .finding import Declared, Finding, Weight

UFW = Path("/etc/ufw/ufw.conf")
CHAIN = "DOCKER-USER"
SECONDS = 15


def bypassed(
    declared: tuple[Declared, ...], ufw: Path = UFW, runner: Runner | None = None
) -> Iterator[Finding]:
    """Yield a warning if ufw is on while *declared* ports of containers pass by it."""
    ports = sorted({each.port for each in declared if beyond_loopback(each.address)})
    if not ports or not _enabled(ufw) or _has_rules(runner or LocalRunner()):
        return
    told = ", ".join(map(str, ports))
    yield Finding(
        "firewall-bypassed",
        Weight.WARNING,
        f"ufw is on, but Docker lets in to port {told} whatever the rules of ufw say",
        f"Restrict who may come in by rules of iptables in the chain {CHAIN}.",
    )


def _enabled(ufw: Path) -> bool:
    try:
        lines = ufw.read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return "ENABLED=yes" in (line.replace(" ", "") for line in lines)


def _has_rules(runner: Runner) -> bool:
    """Return whether somebody restricts the ports of containers where that can be done."""
    try:
        rules = runner.run(["iptables", "-S", CHAIN], seconds=SECONDS).splitlines()
    except CommandError:
        return False
    return any(rule.startswith("-A") and not rule.endswith("-j RETURN") for rule in rules)
