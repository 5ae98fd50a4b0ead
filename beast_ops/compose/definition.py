# SPDX-License-Identifier: Apache-2.0
"""What the Compose file says of one service: plain data, made of its card.

Pure: the same card, joined alike, gives the same definition. Limits and hardening are the same
for all services; what breaks a rule stands on the card with its reason.

Nothing depends on anything here: Compose would make a service anew whenever one it depends on
is. All of them wait for what they need by themselves, as they must after a reboot.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beast_ops.cards import SHARED, Card
from beast_ops.release.join import GATEWAY, INNER_SECRETS, Joined

LABEL = "org.ai-beast"
OWN_IMAGE = "ai-beast"
LOG = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
PROBE_SECONDS = {"interval": "15s", "timeout": "10s"}
PROBE_RETRIES = 4
STOP_SECONDS = 30
# Where our own services find their things, whatever the host calls them.
HOME = "/beast"
OURS = {
    "BEAST_ROOT": HOME,
    "BEAST_DATA": f"{HOME}/data",
    "BEAST_CONFIG": f"{HOME}/config",
    "BEAST_SECRETS": INNER_SECRETS,
    "BEAST_SERVICES": f"{HOME}/live/services.json",
    "BEAST_LISTEN": "0.0.0.0",  # noqa: S104 - the container's own network, which nobody else is in
    "BEAST_INSIDE": "1",
}


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a release stands.

    Attributes:
        root: The installation on its host.
        data: Its data generation in force.
        environment: Hash of our environment, which names our own image.
    """

    root: str
    data: str
    environment: str


def image(card: Card, ground: Ground) -> str:
    """Return the image that runs *card*'s service."""
    if card.ours:
        return f"{OWN_IMAGE}:{ground.environment}"
    return f"{card.image}@{card.digest}" if card.digest else str(card.image)


def definition(card: Card, given: Joined, config: str | None, ground: Ground) -> dict[str, Any]:
    """Return what the Compose file says of *card*'s service, without its labels.

    Args:
        card: The card.
        given: What it is joined with.
        config: Its folder below `<root>/config`, if it has one.
        ground: Where the release stands.
    """
    found = {
        "image": image(card, ground),
        # Our own name for what we keep: that of a container made anew would be another each time.
        "hostname": card.name if card.ours else None,
        "user": card.user,
        "entrypoint": _list(card.entrypoint),
        "command": _list(card.process if card.ours else card.command),
        "environment": {**(OURS if card.ours else {}), **given.environment, **card.environment},
        "volumes": _mounts(card, given, config, ground),
        "networks": list(card.networks) if card.networks != (SHARED,) else None,
        "ports": _ports(card),
        "extra_hosts": _neighbours(given),
        "healthcheck": _healthcheck(card),
        **_hardening(card),
        **_limits(card),
        "restart": "unless-stopped",
        "stop_grace_period": f"{STOP_SECONDS}s",
        "logging": LOG,
    }
    return {key: _literal(value) for key, value in found.items() if value not in (None, [], {})}


def _hardening(card: Card) -> dict[str, Any]:
    return {
        "read_only": card.read_only,
        "tmpfs": [path for path in card.tmpfs if path not in card.volumes.values()],
        "cap_drop": ["ALL"],
        "cap_add": list(card.caps),
        "security_opt": ["no-new-privileges:true"],
        "privileged": card.host.privileged or None,
        "pid": "host" if card.host.pid else None,
        "devices": [f"{path}:{path}" for path in card.host.devices],
        "init": True,
    }


def _limits(card: Card) -> dict[str, Any]:
    return {
        "mem_limit": f"{card.resources.memory_mib}m",
        "cpus": card.resources.cpus,
        "pids_limit": card.resources.pids,
    }


def _mounts(card: Card, given: Joined, config: str | None, ground: Ground) -> list[dict[str, Any]]:
    root = ground.root
    inner = f"{HOME}/config" if card.ours else card.config_path
    live = f"{HOME}/live" if card.ours else card.live_path
    found = [
        *([_bind(f"{root}/config/{config}", inner)] if config and inner else []),
        *([_bind(f"{root}/live/{card.name}", live)] if live else []),
    ]
    if given.handovers or given.gathered or card.secret_files:
        found.append(_bind(f"{root}/secrets/{card.name}", INNER_SECRETS))
    found += [
        _bind(f"{ground.data}/{name}", path, write=True) for name, path in card.volumes.items()
    ]
    return found + [
        _bind(os.path.join(root, mount.source), mount.target, write=mount.write)  # noqa: PTH118 - of another host
        for mount in card.host.mounts
    ]


def _bind(source: str, target: str, *, write: bool = False) -> dict[str, Any]:
    return {
        "type": "bind",
        "source": source,
        "target": target,
        **({} if write else {"read_only": True}),
        "bind": {"create_host_path": False},
    }


def _ports(card: Card) -> list[str]:
    own = [f"127.0.0.1:{card.port}:{card.inner_port}"] if card.port is not None else []
    return own + [f"{each.address}:{each.port}:{each.target}" for each in card.publish]


def _neighbours(given: Joined) -> list[str]:
    named = any(GATEWAY in value for value in given.environment.values())
    return [f"{GATEWAY}:host-gateway"] if named else []


def _healthcheck(card: Card) -> dict[str, Any] | None:
    if card.health.probe is None:
        return None
    return {
        "test": ["CMD", *card.health.probe],
        **PROBE_SECONDS,
        "retries": PROBE_RETRIES,
        "start_period": f"{card.health.start_seconds}s",
    }


def _list(argv: tuple[str, ...] | None) -> list[str] | None:
    return None if argv is None else list(argv)


def _literal(value: Any) -> Any:
    """Return *value* with every dollar sign doubled, which Compose takes for one."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _literal(each) for key, each in value.items()}
    return [_literal(each) for each in value] if isinstance(value, list) else value
