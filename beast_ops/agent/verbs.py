# SPDX-License-Identifier: Apache-2.0
"""What the agent can do: a few verbs, on the services of its own installation alone."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from itertools import islice
from typing import Any

from beast_ops import receipts, runtime
from beast_ops.cards import Service, read_services
from beast_ops.compose.logbook import redacted
from beast_ops.errors import MissingError, UsageError
from beast_ops.keeper import state
from beast_ops.lease import lease
from beast_ops.place import Place

from . import begin
from .operations import Operations
from .protocol import ANSWER_BYTES, FRESH, Request

LINE_CHARACTERS = 4000
NOT_YET = {"upgrade": "nothing is upgraded through the agent; it is done on the host"}


def act(place: Place, request: Request, operations: Operations | None = None) -> Any:
    """Do what *request* wants at *place*, and return what came of it.

    Args:
        place: The installation.
        request: What is wanted.
        operations: What runs what takes long; without, only what does not is done.

    Raises:
        UsageError: If there is no such verb, or it cannot be done here.
        MissingError: If there is no such service.
        BeastError: Whatever the verb runs into.
    """
    if request.verb in NOT_YET:
        raise UsageError(NOT_YET[request.verb], hint="Type it there: ./beast --help")
    if operations is not None:
        if request.verb in begin.VERBS:
            return begin.VERBS[request.verb](place, request, operations)
        if request.verb == "restart" and begin.is_asker(place, request.service or ""):
            return {"restarted": request.service, **_restarting(request, operations)}
    verb = VERBS.get(request.verb)
    if verb is None:
        known = ", ".join(sorted({*VERBS, *begin.VERBS}))
        raise UsageError("the agent knows no such verb", subject=request.verb, hint=known)
    return verb(place, request)


def ping(_: Place, __: Request) -> Any:
    """Say that the agent is there."""
    return {"status": "ready"}


def status(place: Place, _: Request) -> Any:
    """Tell how every service is."""
    return [asdict(state) for state in runtime.of(place).status(place)]


def logs(place: Place, request: Request) -> Any:
    """Return the last lines one service wrote, without any of our secrets."""
    service = _chosen(place, request)
    lines = runtime.of(place).logs(place, service.name, request.lines)
    text = redacted(
        place.secrets, "\n".join(line[:LINE_CHARACTERS] for line in islice(lines, request.lines))
    )
    kept: list[str] = []
    left = ANSWER_BYTES // 8  # JSON writes some characters as six
    for line in reversed(text.split("\n")):
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return kept[::-1]


def restart(place: Place, request: Request) -> Any:
    """Stop and start one service; nothing else may change the installation meanwhile."""
    service = _chosen(place, request)
    with lease(place.run, "restart"):
        runtime.of(place).restart(place, service.name)
    return {"restarted": service.name}


def history(place: Place, _: Request) -> Any:
    """Return when each kind of operation last succeeded, by its name, and the first of all was."""
    return {name: done.isoformat() for name, done in receipts.milestones(place.receipts).items()}


def keeper(place: Place, _: Request) -> Any:
    """Return when the keeper of this host last looked."""
    found = state.read(place.run)
    return {"seen": found.seen.isoformat() if found else None}


def gpu(place: Place, request: Request) -> Any:
    """Return what is true of the GPUs of this host; one that is `fresh` is asked for now."""
    from beast_ops.gpu import host

    return host.of(place).look(fresh=request.name == FRESH).model_dump(mode="json")


VERBS: Mapping[str, Callable[[Place, Request], Any]] = {
    "gpu": gpu,
    "history": history,
    "keeper": keeper,
    "logs": logs,
    "ping": ping,
    "restart": restart,
    "status": status,
}


def _restarting(request: Request, operations: Operations) -> dict[str, Any]:
    return {"operation": begin.restart(request.service or "", operations)["id"]}


def _chosen(place: Place, request: Request) -> Service:
    """Return the service that is asked for: ours, and not what runs on the host itself.

    Raises:
        UsageError: If none is named.
        MissingError: If there is none of that name.
    """
    if request.service is None:
        raise UsageError(f"{request.verb} wants the name of a service")
    services = read_services(place.require_deployed().services)
    ours = [each for each in services if not each.external and each.place != "host"]
    for each in ours:
        if each.name == request.service:
            return each
    known = ", ".join(each.name for each in ours)
    raise MissingError("there is no such service", subject=request.service, hint=f"Known: {known}")
