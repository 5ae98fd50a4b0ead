# SPDX-License-Identifier: Apache-2.0
"""Containers aside: a project and a network of their own, nothing published, no way out.

The host reaches them by their addresses in that network. They carry another label than those of
the installation, so nothing takes the ones for the others; whoever starts some removes first what
a crash left.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from beast_ops.cards import Service, Services
from beast_ops.compose.definition import LABEL
from beast_ops.compose.engine import Engine
from beast_ops.compose.project import FILE, HOST_FILE, environ
from beast_ops.errors import CommandError
from beast_ops.files import write_atomically
from beast_ops.runner import LocalRunner

from .aside import Ground

UP_SECONDS = 600.0
DOWN_SECONDS = 120.0
RETURN_SECONDS = 60.0
LEFT_OUT = ("ports", "restart", "container_name", "networks", "depends_on")


@contextmanager
def running(ground: Ground, wanted: list[Service]) -> Iterator[Mapping[str, str]]:
    """Run *wanted*; see `aside.running`.

    Raises:
        CommandError: If one does not come up.
    """
    mark, runner = _mark(ground.services), LocalRunner(ground.work, environ())
    file = ground.work / "compose.yml"
    write_atomically(file, yaml.safe_dump(described(ground, wanted, mark)).encode())
    where = ["--project-name", mark, "--project-directory", str(ground.work)]
    compose = ["docker", "compose", *where, "--file", str(file)]
    down = [*compose, "down", "--timeout", "10", "--remove-orphans", "--volumes"]
    _end(runner, down)
    try:
        up = ["up", "--detach", "--wait", "--pull", "never", "--no-build"]
        try:
            runner.run([*compose, *up], seconds=UP_SECONDS)
        except CommandError as failed:
            raise CommandError(
                f"does not come up beside the stack: {failed}", subject=_names(wanted)
            ) from failed
        yield _addresses(mark, wanted)
    finally:
        _end(runner, down)


def sweep(services: Services) -> None:
    """Remove what a crash of the installation of *services* left.

    Raises:
        CommandError: If the engine does not answer.
    """
    words = ["down", "--timeout", "10", "--remove-orphans", "--volumes"]
    argv = ["docker", "compose", "--project-name", _mark(services), *words]
    _end(LocalRunner(Path("/"), environ()), argv)


def _end(runner: LocalRunner, down: Sequence[str]) -> None:
    """Remove what ran aside, also if its engine was just killed and comes back only now."""
    import stamina

    for attempt in stamina.retry_context(on=CommandError, attempts=None, timeout=RETURN_SECONDS):
        with attempt:
            runner.run(down, seconds=DOWN_SECONDS)


def described(ground: Ground, wanted: list[Service], mark: str) -> dict[str, Any]:
    """Return the Compose file of *wanted* aside; pure but for the files of the release."""
    release = yaml.safe_load((ground.release / FILE).read_bytes())["services"]
    extra = ground.release / HOST_FILE
    host = yaml.safe_load(extra.read_bytes())["services"] if extra.is_file() else {}
    label = {f"{LABEL}.aside": mark}
    services = {}
    for service in wanted:
        found = {**release[service.name], **host.get(service.name, {})}
        found["healthcheck"] = {
            **release[service.name].get("healthcheck", {}),
            **host.get(service.name, {}).get("healthcheck", {}),
        }
        kept = {key: value for key, value in found.items() if key not in LEFT_OUT and value}
        kept["volumes"] = [_moved(ground, mount) for mount in kept.get("volumes", ())]
        services[service.name] = {
            **kept,
            "labels": {**label, f"{LABEL}.service": service.name},
        }
    network = {"name": mark, "internal": True, "labels": label}
    return {"name": mark, "services": services, "networks": {"default": network}}


def _moved(ground: Ground, mount: dict[str, Any]) -> dict[str, Any]:
    """Return *mount* with data and secrets replaced by those that are seen instead."""
    source = Path(mount["source"])
    for before, now in (
        (Path(ground.services.data), ground.data),
        (Path(ground.services.root) / "secrets", ground.secrets),
    ):
        if source.is_relative_to(before):
            return {**mount, "source": str(now / source.relative_to(before))}
    return mount


def _mark(services: Services) -> str:
    """Return the name of the project: the same each time, so that what was left is found."""
    hashed = hashlib.sha256(services.root.encode()).hexdigest()[:12]
    return f"{services.project}-aside-{hashed}"


def _addresses(mark: str, wanted: list[Service]) -> dict[str, str]:
    engine, found = Engine(), {}
    for service in wanted:
        (container,) = engine.aside(mark, service.name)
        port = urlsplit(service.inside or "").port or service.ports[0]
        found[service.name] = f"http://{engine.address(container)}:{port}"
    return found


def _names(wanted: list[Service]) -> str:
    return ", ".join(each.name for each in wanted)
