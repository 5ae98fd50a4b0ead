# SPDX-License-Identifier: Apache-2.0
"""Look every few seconds how the services are, and tell what has changed."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from beast_ops import runtime
from beast_ops.errors import BeastError
from beast_ops.events.bus import Bus
from beast_ops.place import Place
from beast_ops.runtime.control import ProcessState

from .ledger import Operation

LOG = logging.getLogger("beast.agent")
LOOK_SECONDS = 10.0
UP = frozenset({"running"})
BAD = frozenset({"fatal", "backoff", "unhealthy", "dead", "failed"})

Seen = Mapping[str, ProcessState]


def changes(before: Seen, now: Seen) -> Iterator[tuple[str, str]]:
    """Yield the name of an event and that of the service it is about, for each that changed."""
    for name, state in now.items():
        was = before.get(name)
        if was is None or _mark(was) == _mark(state):
            continue
        if state.state in BAD:
            if was.state != state.state:
                yield "service.error", name
        elif state.state in UP:
            yield "service.started", name
        elif was.state in UP:
            yield "service.stopped", name


def _mark(state: ProcessState) -> tuple[object, ...]:
    return state.state, state.pid, state.restarts


def operations_to(bus: Bus) -> Callable[[Operation], None]:
    """Return what tells *bus* how operations go."""

    def tell(operation: Operation) -> None:
        about = "service" if operation.kind == "restart" else "backup"
        name = f"{operation.kind}.{operation.state}"
        bus.publish(name, operation=operation.id, **{about: operation.name})

    return tell


def watch(place: Place, bus: Bus, stopping: threading.Event) -> None:
    """Look until *stopping*, and tell *bus* what has changed."""
    bus.publish("system.startup")
    before = _look(place, bus, {})  # at once: what changes before the second look is told, too
    while not stopping.wait(LOOK_SECONDS):
        before = _look(place, bus, before)
    bus.publish("system.shutdown")


def _look(place: Place, bus: Bus, before: Seen) -> Seen:
    """Tell *bus* what has changed since *before*, and return how it is now."""
    try:
        now = {each.name: each for each in _states(place)}
    except BeastError as failed:
        LOG.debug("cannot look: %s", failed)
        return before
    except Exception:
        LOG.exception("cannot look: a mistake")
        return before
    for name, service in changes(before, now):
        state = now[service]
        bus.publish(name, service=service, state=state.state, restarts=state.restarts)
    return now


def _states(place: Place) -> Sequence[ProcessState]:
    return runtime.of(place).status(place.require_deployed())
