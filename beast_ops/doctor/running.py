# SPDX-License-Identifier: Apache-2.0
"""Do the services run, as described, on ports of their own?"""

from collections.abc import Iterator
from contextlib import suppress

from beast_ops.compose.logbook import telling
from beast_ops.errors import BeastError
from beast_ops.preflight.ports import holder, listeners, own_sockets
from beast_ops.runtime import of
from beast_ops.runtime.address import socket_path
from beast_ops.runtime.control import ProcessState
from beast_ops.runtime.leftovers import find
from beast_ops.runtime.rpc import Supervisor

from . import table
from .model import Diagnosis, Scene
from .redact import redactor

UP = frozenset({"running", "starting"})
CRASHING = frozenset({"backoff", "fatal", "exited", "restarting", "dead"})
CRASHES = 3
LINES = 30


def states(scene: Scene) -> list[ProcessState]:
    """Return how the services are; nothing if nobody can tell, which is told elsewhere."""
    if scene.services is None:
        return []
    try:
        return of(scene.place).status(scene.place)
    except BeastError:
        return []


def services(scene: Scene) -> Iterator[Diagnosis]:
    """Find services that do not run, and say whether they were stopped or crash."""
    for state in states(scene):
        if state.state in CRASHING:
            said = f"{state.name} is {state.state} ({state.restarts} restarts)"
            last = _last(scene, state.name)
            yield table.CRASHED.found(f"{said}{f': {last}' if last else ''}", state.name)
        elif state.state not in UP and state.state != "unhealthy":
            yield table.STOPPED.found(f"{state.name} is {state.state}", state.name)


def _last(scene: Scene, name: str) -> str:
    with suppress(BeastError, OSError):
        lines = list(of(scene.place).logs(scene.place, name, LINES))
        return redactor(scene.place).text(telling(lines))
    return ""


def altered(scene: Scene) -> Iterator[Diagnosis]:
    """Find services that run otherwise than described."""
    if scene.services is None:
        return
    with suppress(BeastError):  # of an engine that does not answer, which is told elsewhere
        for name, what in of(scene.place).altered(scene.place, scene.services):
            yield table.ALTERED.found(f"{name} {what}", name)


def ports(scene: Scene) -> Iterator[Diagnosis]:
    """Find other programs on the ports of services that do not run."""
    idle = {state.name for state in states(scene) if state.state not in UP}
    mine = own_sockets(scene.place.run)
    for service in scene.ours:
        known = {*service.ports, *(each.port for each in service.publish)}
        for port in sorted(known) if service.name in idle else ():
            found = listeners(port)
            if found and not found & mine:
                who = holder(found) or "a program of another user"
                told = f"port {port} of {service.name} is held by {who}"
                yield table.FOREIGN_PORT.found(told, service.name)


def keeper(scene: Scene) -> Iterator[Diagnosis]:
    """Find processes or a socket that a dead supervisord left."""
    if scene.composed or not scene.place.run.is_dir():
        return
    path = socket_path(scene.place)
    if Supervisor(path).presence() is not None:  # there, or on its way out
        return
    left = find(scene.place)
    if left:
        told = ", ".join(str(each.pid) for each in sorted(left, key=lambda each: each.pid))
        yield table.ORPHANS.found(f"processes {told} run without supervisord")
    elif path.exists():
        yield table.ORPHANS.found(f"nobody answers at {path}")


def work(scene: Scene) -> Iterator[Diagnosis]:
    """Find services that run and do not do their work, or only a part of it."""
    from beast_ops.health import report
    from beast_ops.health.model import Status

    up = {state.name: state.state for state in states(scene) if state.state in {*UP, "unhealthy"}}
    kinds = {Status.UNHEALTHY: table.UNWELL, Status.DEGRADED: table.PARTLY}
    for check in report.run(scene.place).checks if up else ():
        state = up.pop(check.name, None)
        if state and check.status in kinds:
            told = redactor(scene.place).text(check.message)
            yield kinds[check.status].found(f"{check.name}: {told}", check.name)
        elif state == "unhealthy":
            up[check.name] = state
    for name in (name for name, state in up.items() if state == "unhealthy"):
        yield table.UNWELL.found(f"{name}: its container calls itself unhealthy", name)
