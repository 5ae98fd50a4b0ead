# SPDX-License-Identifier: Apache-2.0
"""Get ready what a release needs, and have it judged, while the old one goes on running."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from beast_ops.cards import Service, Services, read_services
from beast_ops.errors import BeastError, CommandError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.runner import LocalRunner, Runner

from . import identity, live
from .engine import Engine
from .project import FILE, HOST_FILE, project

PULL_SECONDS = 3600.0  # an image of some gigabytes over a slow line
PULL_TRIES = 3
CHECK_SECONDS = 120.0
START_INTERVAL = (25,)  # the first engine that looks more often while a container starts


def prepare(place: Place, release: str, engine: Engine, runner: Runner | None = None) -> None:
    """Get everything *release* needs to this host, and have its files judged.

    Raises:
        CommandError: If an image cannot be had, or Compose or a service refuses its files.
        ConflictError: If the name of an image that runs on data stands for another one now.
        UnavailableError: If the engine does not answer.
    """
    runner = runner or LocalRunner()
    folder = place.releases / release
    services = read_services(folder / "services.json")
    fetch(place, services, engine, runner)
    identity.refuse_replaced(place, services, engine)
    _certify(place, services)
    described = yaml.safe_load((folder / FILE).read_bytes())["services"]
    overlay = host_overlay(services, described, engine, runner)
    write_atomically(folder / HOST_FILE, yaml.safe_dump(overlay, sort_keys=True).encode())
    project(place, release).judge()
    for service in services:
        if service.check:
            check(folder, service, described[service.name], runner)
    identity.keep(folder, services, engine)


def fetch(place: Place, services: Services, engine: Engine, runner: Runner) -> None:
    """Have every image of *services* on this host.

    Raises:
        CommandError: If one cannot be had.
    """
    from . import image

    for service in services:
        if service.image is None or engine.has_image(service.image):
            continue
        if service.ours:
            image.ensure(place, service.image, runner)
        else:
            _pull(service.image, runner)


def _pull(reference: str, runner: Runner) -> None:
    import stamina

    try:
        for attempt in stamina.retry_context(on=CommandError, attempts=PULL_TRIES, timeout=None):
            with attempt:
                runner.run(["docker", "pull", "--quiet", reference], seconds=PULL_SECONDS)
    except CommandError as failed:
        raise CommandError(
            f"cannot get the image {reference}: {str(failed).removeprefix('ended with 1: ')}",
            subject=reference,
            hint="See whether its registry answers from this host, or load the image here "
            "(docker load), then type the same command again.",
        ) from failed


def _certify(place: Place, services: Services) -> None:
    """Have the certificates of *services*, and their root where our own can hand it out."""
    from beast_ops.certificates import certify, export_root

    if not any(each.certificate is not None for each in services):
        return
    certify(place, services)
    for service in services:
        if service.ours:
            folder = place.root / "live" / service.name
            live.folder(folder)
            export_root(place.secrets / "ca", folder / "ca.crt")


def host_overlay(
    services: Services, described: dict[str, Any], engine: Engine, runner: Runner
) -> dict[str, Any]:
    """Return what the Compose file says besides, on this host: what its engine and GPU can do."""
    from . import gpu

    found: dict[str, dict[str, Any]] = {}
    eager, processors = engine.version() >= START_INTERVAL, engine.processors()
    for name, definition in described.items():
        more: dict[str, Any] = {}
        if eager and "healthcheck" in definition:
            more["healthcheck"] = {"start_interval": "1s"}
        if float(definition.get("cpus", 0)) > processors:  # which the engine refuses
            more["cpus"] = processors
        if more:
            found[name] = more
    for service in services:
        if service.gpu and service.image:
            accelerated = gpu.overlay(service.image, runner)
            if accelerated:
                found[service.name] = {**found.get(service.name, {}), **accelerated}
    return {"services": found}


def check(folder: Path, service: Service, definition: dict[str, Any], runner: Runner) -> None:
    """Have the image of *service* judge its own configuration, where nothing else can be reached.

    Raises:
        CommandError: If it refuses.
    """
    program, *words = service.check or ()
    argv = [
        *("docker", "run", "--rm", "--network", "none", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges", "--label", "org.ai-beast.check=true"),
        *(("--user", service.user) if service.user else ()),
        *_read_mounts(folder, service, definition),
        *("--entrypoint", program, str(service.image), *words),
    ]
    try:
        runner.run(argv, seconds=CHECK_SECONDS)
    except CommandError as refused:
        raise CommandError(
            f"{service.name} refuses its configuration: "
            f"{' '.join(str(refused).partition(': ')[2].split())[-600:]}",
            subject=service.name,
            hint=f"What may be set is in roles/{service.role}/defaults/main.yml.",
        ) from refused


def _read_mounts(folder: Path, service: Service, definition: dict[str, Any]) -> Iterator[str]:
    """Yield what mounts configuration, secrets and live files as they will be."""
    for mount in definition.get("volumes", ()):
        if not mount.get("read_only"):
            continue
        source = Path(mount["source"])
        if source.parent.name == "live":
            source = folder / "live" / service.name
            if not source.is_dir():
                raise BeastError("the release has no live files", subject=service.name)
        yield from ("--volume", f"{source}:{mount['target']}:ro")
