# SPDX-License-Identifier: Apache-2.0
"""Start, change, watch and end the containers of an installation.

The functions are those of `beast_ops.runtime.control`, for the other runtime.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from beast_ops.cards import Service, Services, read_services
from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError, CommandError, UsageError
from beast_ops.place import Place
from beast_ops.runtime.control import ProcessState

from . import identity, live, logbook, shim, units
from . import prepare as preparing
from .definition import OWN_IMAGE, STOP_SECONDS
from .engine import Container, Engine
from .project import project

CRASHES = 3  # so often a container may end while it starts before we stop waiting


def prepare(place: Place, release: str) -> None:
    """Get everything *release* needs to this host and have it judged; nothing stops for it.

    Raises:
        CommandError: If something cannot be had, or is refused.
        UnavailableError: If the engine does not answer.
    """
    preparing.prepare(place, release, Engine())


def apply(place: Place, *, closed: bool = False) -> set[str]:
    """Make exactly the containers of the release in force run, and wait for them.

    Args:
        place: The installation.
        closed: Whether the front door does not run yet: nobody shall come in.

    Returns:
        The names of the services that were started or started anew.

    Raises:
        CommandError: If a container does not come up; the message says which and why.
        UnavailableError: If the engine does not answer.
    """
    services = read_services(place.require_deployed().services)
    engine = Engine()
    changed = live.bring(place.current.resolve(), place.root / "live")
    before = {each.id: each.started for each in engine.containers(str(place.root))}
    behind = [each.name for each in services if each.contained and not each.publish]
    _up(place, engine, services, behind if closed else [])
    live.sweep(place.root / "live", {each.name for each in services})
    after = engine.containers(str(place.root))
    started = {each.service for each in after if before.get(each.id) != each.started}
    started |= units.apply(place, services)
    shim.bring(place)
    for service in services:
        if service.reload and service.name in changed - started:
            _signal(engine, after, service)
    _sweep_images(engine, place)
    engine.sweep_networks(str(place.root))  # Compose keeps those of releases before
    return started


def _up(place: Place, engine: Engine, services: Services, chosen: Sequence[str]) -> None:
    wanted = {each.change for each in services}
    # What a container that is well now went through since it was made says nothing of this start.
    known = {each.id: each.restarts for each in engine.containers(str(place.root)) if each.well}

    def doubt() -> str:
        # What crashes of another release is about to be replaced.
        found = [each for each in engine.containers(str(place.root)) if each.change in wanted]
        crashing = [each for each in found if each.restarts - known.get(each.id, 0) >= CRASHES]
        return "; ".join(_why(place, engine, each) for each in crashing)

    try:
        project(place).up(doubt, chosen)
    except CommandError as failed:
        bad = [
            each
            for each in engine.containers(str(place.root))
            if each.state in {"exited", "restarting", "dead"} or each.health == "unhealthy"
        ]
        reasons = "; ".join(_why(place, engine, each) for each in bad)
        raise CommandError(reasons or str(failed), subject="docker compose up") from failed


def _why(place: Place, engine: Engine, container: Container) -> str:
    """Return what is wrong with *container*, with the last words it wrote, without secrets."""
    state = container.health if container.state == "running" else f"ended with {container.code}"
    if container.restarts:
        state += f" ({container.restarts} restarts)"
    last = logbook.redacted(place.secrets, logbook.telling(engine.logs(container.id, 30)))
    return f"{container.service} {state}{f': {last}' if last else ''}"


def _signal(engine: Engine, containers: Iterable[Container], service: Service) -> None:
    for each in containers:
        if each.service == service.name and each.state == "running":
            engine.kill(each.id, str(service.reload))


def _sweep_images(engine: Engine, place: Place) -> None:
    """Remove our own images of environments that no kept release names; others are not ours."""
    kept = {path.name for path in place.venv.glob("*")}
    used = {each.image for each in engine.containers(str(place.root))}
    for reference in engine.own_images(OWN_IMAGE):
        if reference.partition(":")[2] not in kept and reference not in used:
            try:
                engine.remove_image(reference)
            except BeastError:
                continue  # another installation runs it


def down(place: Place) -> None:
    """End every container and unit of the installation; data stays.

    Raises:
        UnavailableError: If the engine does not answer.
    """
    units.remove(place)
    shim.take_away(place)
    engine = Engine()
    found = engine.containers(str(place.root))
    running = [each.service for each in found if each.state == "running" and each.service]
    if running and place.services.is_file():
        project(place).stop(running)  # all at once, which is faster than one by one
    for each in engine.containers(str(place.root)):
        engine.remove(each.id, STOP_SECONDS)
    engine.remove_networks(str(place.root))


def runs(place: Place, services: Services) -> bool:
    """Return whether exactly the containers and units of *services* run, and are well."""
    wanted = {each.name: each.change for each in services if each.contained}
    engine = Engine()
    found = engine.containers(str(place.root))
    if sorted(each.service for each in found) != sorted(wanted):
        return False
    if not all(each.well and each.change == wanted[each.service] for each in found):
        return False
    known = identity.kept(place.current)
    if any(any(identity.differing(each, engine, known)) for each in found):
        return False
    return units.run(place, services)


def altered(place: Place, services: Services) -> Iterator[tuple[str, str]]:
    """Yield the name of each service whose container is not the one described, and how."""
    wanted = {each.name: each for each in services if each.contained}
    engine, known = Engine(), identity.kept(place.current)
    for found in engine.containers(str(place.root)):
        service = wanted.get(found.service)
        if service is None:
            continue  # its state says already that it is not of this release
        if found.image != service.image:
            yield service.name, f"runs {found.image} instead of {service.image}"
            continue
        if found.change != service.change:
            yield service.name, "runs with other settings"
        for how in identity.differing(found, engine, known):
            yield service.name, how


def status(place: Place) -> list[ProcessState]:
    """Return every service of the release in force, in start order, and whatever else is ours."""
    services = read_services(place.require_deployed().services)
    found = {each.service: each for each in Engine().containers(str(place.root))}
    known = [each.name for each in services if each.contained]
    others = [name for name in found if name not in known]
    return [_state(name, found.get(name)) for name in [*known, *others]] + units.status(
        place, services
    )


def _state(name: str, container: Container | None) -> ProcessState:
    if container is None:
        return ProcessState(name, "stopped")
    up = container.state == "running"
    state = container.health if up and container.health not in {"", "healthy"} else container.state
    since = (SYSTEM.now() - container.started).total_seconds() if container.started and up else None
    return ProcessState(name, state, uptime_seconds=since, restarts=container.restarts)


def start(place: Place, name: str | None = None) -> None:
    """Start the service called *name*, or all, and wait until it is well.

    Raises:
        UsageError: If there is no such service.
        CommandError: If it does not come up.
    """
    if name is None:
        apply(place)
    else:
        _each(place, name, units.start, "start")


def stop(place: Place, name: str | None = None) -> None:
    """Stop the service called *name*, or all of them; raises what `start` does."""
    _each(place, name, units.stop, "stop")


def restart(place: Place, name: str | None = None) -> None:
    """Make the container of the service called *name* anew, or all; raises what `start` does."""
    _each(place, name, units.restart, "restart")


def execute(place: Place, name: str, argv: Sequence[str]) -> str:
    """Run *argv* in the container of the service called *name*; return what it printed.

    Raises:
        UsageError: If there is no such service.
        CommandError: If it ends badly, or takes longer than half an hour.
    """
    services = read_services(place.require_deployed().services)
    _chosen(services, name)
    return project(place).execute(name, argv)


def _each(place: Place, name: str | None, unit: units.Act, verb: str) -> None:
    services = read_services(place.require_deployed().services)
    chosen = _chosen(services, name)
    contained = [each.name for each in services if each.contained and each.name in chosen]
    if contained:
        getattr(project(place), verb)(contained)
    for each in services:
        hosted = each.place == "host" and each.name in chosen
        if hosted and (name is not None or not units.is_absent(each)):
            unit(place, each)


def logs(
    place: Place,
    name: str | None = None,
    lines: int = 100,
    follow: bool = False,  # noqa: FBT001, FBT002 - the words of the verb
) -> Iterator[str]:
    """Return the last *lines* lines of one service or of all, and with *follow* the next ones.

    Raises:
        UsageError: If there is no such service.
    """
    engine = Engine()
    found = {each.service: each.id for each in engine.containers(str(place.root))}
    if name is not None and name not in found:
        raise _unknown(name, found)
    chosen = {name: found[name]} if name else found
    return (logbook.follow if follow else logbook.read)(engine, chosen, lines)


def _chosen(services: Services, name: str | None) -> set[str]:
    known = {each.name for each in services if each.contained or each.process}
    if name is not None and name not in known:
        raise _unknown(name, known)
    return {name} if name else known


def _unknown(name: str, known: Collection[str]) -> UsageError:
    return UsageError(
        "nothing of this name runs here", subject=name, hint=f"There are: {', '.join(known)}"
    )
