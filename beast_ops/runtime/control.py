# SPDX-License-Identifier: Apache-2.0
"""Start, change, watch and end the processes of an installation."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass

from beast_ops.cards import Services, read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import ServiceError, UnavailableError, UsageError
from beast_ops.place import Place

from . import child, identity, leftovers, tail
from . import execute as executing
from .address import socket_path
from .identity import Identity
from .launch import COMPLAINTS, IDENTITY, interpreter, launch
from .lock import held
from .readiness import await_started, await_stopped, await_up
from .rpc import LEAVING, Info, Supervisor
from .unit import Boot
from .values import programs

STOP_SECONDS = 30.0  # more than stopwaitsecs of a program
IDLE = frozenset({"STOPPED", "EXITED", "FATAL", "BACKOFF"})
OWN_LOG = "supervisord"
execute = executing.execute


@dataclass(frozen=True, slots=True)
class ProcessState:
    """One program: `state` is running, starting, stopping, stopped, exited, backoff or fatal.

    `restarts` counts how often it was started again since supervisord itself was.
    """

    name: str
    state: str
    pid: int | None = None
    uptime_seconds: float | None = None
    restarts: int = 0


def apply(place: Place, clock: Clock = SYSTEM, *, closed: bool = False) -> set[str]:
    """Make supervisord run exactly the programs of the release in force, and wait for them.

    Args:
        place: The installation.
        clock: Measures how long it may take.
        closed: Makes no difference: the API is the front door here, and shuts itself.

    Returns:
        The names of the programs that were started or started anew.

    Raises:
        NotDeployedError: If no release is in force.
        ServiceError: If a program does not stay up.
        UnavailableError: If a program, or supervisord, is not up in time.
        BusyError: If somebody else is at it.
    """
    del closed
    place.require_deployed()
    with held(place, clock):
        server = Supervisor(socket_path(place))
        keeper = _keeper(place, server, clock)
        leftovers.end(leftovers.find(place, keeper), clock)
        if keeper is None:
            _sweep(place)
            if not Boot(place).start():
                launch(place)
            await_started(place, server, clock)
            started = {info.name for info in server.processes()}
        else:
            started = _update(server, clock)
        names = {info.name for info in server.processes()}
        started |= _start_idle(server, names)
        await_up(place, server, names, clock)
        return started


def down(place: Place, clock: Clock = SYSTEM) -> None:
    """End every process of the installation, supervisord included; nothing happens twice.

    Raises:
        CommandError: If a process cannot be ended.
        BusyError: If somebody else is at it.
    """
    if not place.run.is_dir() and not leftovers.find(place):
        return
    with held(place, clock):
        server = Supervisor(socket_path(place))
        _shut_down(place, server, server.presence(), clock)
        Boot(place).stop()
        leftovers.end(leftovers.find(place), clock)
        leftovers.end(leftovers.find(place), clock)  # what one of them was just starting
        _sweep(place)


def status(place: Place) -> list[ProcessState]:
    """Return every program of the release in force, in start order."""
    known = _names(place)
    try:
        found = {info.name: info for info in Supervisor(socket_path(place)).processes()}
    except (UnavailableError, ServiceError):
        found = {}
    others = [name for name in found if name not in known]
    return [_state(place, name, found.get(name)) for name in [*known, *others]]


def runs(place: Place, services: Services) -> bool:
    """Return whether exactly the programs of *services* run."""
    found = {state.name: state.state for state in status(place)}
    return found.keys() == {each.name for each in programs(services)} and set(found.values()) <= {
        "running"
    }


def altered(place: Place, services: Services) -> Iterator[tuple[str, str]]:
    """Yield nothing: supervisord runs what its file says, and that is one of the release's."""
    del place, services
    yield from ()


def prepare(place: Place, release: str, clock: Clock = SYSTEM) -> None:
    """Do nothing: all that a release needs is in its environment, which is there."""
    del place, release, clock


def start(place: Place, name: str | None = None, clock: Clock = SYSTEM) -> None:
    """Start the program called *name*, or all, and wait until it is up.

    Raises:
        UsageError: If there is no such program, or nothing runs that could start just one.
        ServiceError: If it does not stay up.
        UnavailableError: If it is not up in time.
    """
    if name is None:
        apply(place, clock)
        return
    names = _chosen(place, name)
    with held(place, clock):
        server = _server(place)
        _start_idle(server, names)
        await_up(place, server, names, clock)


def stop(place: Place, name: str | None = None, clock: Clock = SYSTEM) -> None:
    """Stop the program called *name*, or all of them, and leave supervisord alone.

    Raises:
        UsageError: If there is no such program, or nothing runs.
        UnavailableError: If it does not stop in time.
    """
    names = _chosen(place, name)
    with held(place, clock):
        server = _server(place)
        for each in names:
            server.stop(each)
        await_stopped(server, names, STOP_SECONDS, clock)


def restart(place: Place, name: str | None = None, clock: Clock = SYSTEM) -> None:
    """Stop, then start the program called *name*, or all; raises what those raise."""
    stop(place, name, clock)
    start(place, name, clock)


def logs(
    place: Place,
    name: str | None = None,
    lines: int = 100,
    follow: bool = False,  # noqa: FBT001, FBT002 - the words of the verb
) -> Iterator[str]:
    """Return the last *lines* lines of one log or of all, and with *follow* the next ones.

    Args:
        place: The installation.
        name: A program, or `supervisord`; None for all programs, each line then labelled.
        lines: How many of each.
        follow: Whether to go on until Ctrl-C.

    Raises:
        UsageError: If there is no such log.
    """
    known = _logged(place)
    if name is not None and name not in {*known, OWN_LOG}:
        raise _unknown(name, [*known, OWN_LOG])
    chosen = {each: place.logs / f"{each}.log" for each in ([name] if name else known)}
    return (tail.follow if follow else tail.read)(chosen, lines)


def _keeper(place: Place, server: Supervisor, clock: Clock) -> int | None:
    """Return the number of a supervisord that may stay, after ending one that may not.

    One of another environment would go on with its old code, and leave with its folder.
    """
    found = server.presence()
    if found and identity.runs(found, str(interpreter(place))):
        return found
    _shut_down(place, server, found, clock)
    return None


def _shut_down(place: Place, server: Supervisor, found: int | None, clock: Clock) -> None:
    """Have supervisord stop all programs at once, then itself; leave the rest to force.

    Args:
        place: The installation.
        server: Its supervisord.
        found: What `presence` said of it.
        clock: Measures how long it may take.
    """
    owner = identity.read(place.run / IDENTITY) if found == LEAVING else None
    if found:
        owner = Identity(found, identity.started(found) or "")
        with suppress(ServiceError, UnavailableError):
            server.call("stopAllProcesses", False)  # noqa: FBT003 - do not wait
            server.call("shutdown")
    leftovers.await_end([owner] if owner else [], STOP_SECONDS, clock)


def _update(server: Supervisor, clock: Clock) -> set[str]:
    """Bring a running supervisord to the release in force; return what it starts anew."""
    added, changed, removed = server.reload()
    for name in changed | removed:
        server.stop(name)
    await_stopped(server, changed | removed, STOP_SECONDS, clock)
    for name in changed | removed:
        server.call("removeProcessGroup", name)
    for name in added | changed:
        server.call("addProcessGroup", name)
    return added | changed


def _start_idle(server: Supervisor, names: Collection[str]) -> set[str]:
    """Start those of *names* that do not run; one that waits to be tried again is tried now."""
    idle = [info for info in server.processes() if info.name in names and info.state in IDLE]
    for info in idle:
        if info.state == "BACKOFF":
            server.stop(info.name)
        server.start(info.name)
    return {info.name for info in idle}


def _sweep(place: Place) -> None:
    """Remove what processes that are no more left in `<root>/run`."""
    records = [path for path in place.run.glob("*.json") if identity.read(path)]
    rest = (place.run / "supervisord.pid", place.run / COMPLAINTS)
    for path in (*records, *rest, socket_path(place)):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        socket_path(place).parent.rmdir()  # the short folder; `run` is not empty


def _server(place: Place) -> Supervisor:
    server = Supervisor(socket_path(place))
    if not server.presence():
        raise UsageError("nothing runs here", subject=str(place.root), hint="Run: ./beast start")
    return server


def _names(place: Place) -> list[str]:
    services = read_services(place.require_deployed().services)
    return [service.name for service in programs(services)]


def _logged(place: Place) -> list[str]:
    """Return the programs whose logs there are; a first deploy that failed leaves only these."""
    if place.services.is_file():
        return _names(place)
    found = sorted(path.stem for path in place.logs.glob("[a-z]*.log") if path.stem != OWN_LOG)
    return found or _names(place)


def _chosen(place: Place, name: str | None) -> set[str]:
    known = _names(place)
    if name is not None and name not in known:
        raise _unknown(name, known)
    return {name} if name else set(known)


def _unknown(name: str, known: list[str]) -> UsageError:
    return UsageError(
        "nothing of this name runs here", subject=name, hint=f"There are: {', '.join(known)}"
    )


def _state(place: Place, name: str, info: Info | None) -> ProcessState:
    if info is None:
        return ProcessState(name, "stopped")
    up = info.state in {"RUNNING", "STARTING", "STOPPING"}
    return ProcessState(
        name,
        info.state.lower(),
        pid=info.pid or None,
        uptime_seconds=float(max(0, info.now - info.started)) if up else None,
        restarts=child.restarts(place.run / f"{name}.json", info.pid),
    )
