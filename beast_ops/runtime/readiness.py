# SPDX-License-Identifier: Apache-2.0
"""Wait until processes are up or down, and say why if they are not."""

from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.place import Place

from . import identity, tail
from .launch import COMPLAINTS, IDENTITY
from .rpc import Info, Supervisor

BEGIN_SECONDS = 30.0
UP_SECONDS = 90.0
POLL_SECONDS = 0.1
# supervisord tries again after 1, 2, 3 … seconds, for ever: a full disk heals. Whoever waits
# gives up after this many starts.
TRIES = 4
LAST_LINES = 3
LAST_CHARACTERS = 600
ENDED = frozenset({"STOPPED", "EXITED", "FATAL"})
SHORTEST_SECRET = 8
LARGEST_SECRET = 4096


def await_started(place: Place, server: Supervisor, clock: Clock = SYSTEM) -> None:
    """Wait until a launched supervisord answers.

    Raises:
        ServiceError: If it ended instead; says what it said.
        UnavailableError: If it does not answer in time.
    """
    deadline = clock.monotonic() + BEGIN_SECONDS
    while not server.presence():
        process = identity.read(place.run / IDENTITY)
        late = clock.monotonic() >= deadline
        if late or (process and not process.lives):
            kind = UnavailableError if late else ServiceError
            said = _said(place, place.run / COMPLAINTS) or _said(place, _log(place, "supervisord"))
            raise kind(
                f"supervisord does not come up: {said}",
                subject=str(place.root),
                hint="See: ./beast logs supervisord",
            )
        clock.sleep(POLL_SECONDS)


def await_up(
    place: Place, server: Supervisor, names: Collection[str], clock: Clock = SYSTEM
) -> None:
    """Wait until all programs called *names* run.

    Raises:
        ServiceError: If one does not stay up; says the last it wrote.
        UnavailableError: If one is not up in time.
    """
    starts: dict[str, set[int]] = defaultdict(set)
    deadline = clock.monotonic() + UP_SECONDS
    while waiting := [info for info in server.processes() if _is_waited_for(info, names)]:
        for info in waiting:
            starts[info.name].add(info.started)
            if info.state == "FATAL" or (
                info.state == "BACKOFF" and len(starts[info.name]) >= TRIES
            ):
                raise ServiceError(
                    f"it does not stay up: {_reason(place, info)}",
                    subject=info.name,
                    hint=f"See: ./beast logs {info.name}",
                )
        if clock.monotonic() >= deadline:
            raise UnavailableError(
                f"not up in {UP_SECONDS:g} s: {_reason(place, waiting[0])}",
                subject=", ".join(info.name for info in waiting),
                hint=f"See: ./beast logs {waiting[0].name}",
            )
        clock.sleep(POLL_SECONDS)


def await_stopped(
    server: Supervisor, names: Collection[str], seconds: float, clock: Clock = SYSTEM
) -> None:
    """Wait until all programs called *names* have ended.

    Raises:
        UnavailableError: If one lives on.
    """
    deadline = clock.monotonic() + seconds
    while left := [
        info.name for info in server.processes() if info.name in names and info.state not in ENDED
    ]:
        if clock.monotonic() >= deadline:
            raise UnavailableError(f"does not stop in {seconds:g} s", subject=", ".join(left))
        clock.sleep(POLL_SECONDS)


def _is_waited_for(info: Info, names: Collection[str]) -> bool:
    """Return whether a program is not up, or has ended so lately that supervisord missed it."""
    up = info.state == "RUNNING" and identity.started(info.pid) is not None
    return info.name in names and not up


def _reason(place: Place, info: Info) -> str:
    """Return why a program is not up: the end of its log, unless it was not even executed."""
    if (
        info.complaint
        and "see the process log" not in info.complaint
        and "log may" not in info.complaint
    ):
        return info.complaint
    return _said(place, _log(place, info.name)) or info.complaint or info.state.lower()


def _log(place: Place, name: str) -> Path:
    return place.logs / f"{name}.log"


def _said(place: Place, path: Path) -> str:
    """Return the end of the log *path* in one line, every secret of *place* blacked out."""
    lines = [line.strip() for line in tail.last(path, 20) if line.strip()]
    said = " / ".join(lines[-LAST_LINES:])
    for secret in _secrets(place):
        said = said.replace(secret, "[secret]")
    return said[-LAST_CHARACTERS:]


def _secrets(place: Place) -> list[str]:
    found: list[str] = []
    for path in place.secrets.glob("*/*"):
        with suppress(OSError, UnicodeDecodeError):
            if path.stat().st_size <= LARGEST_SECRET:
                found.append(path.read_text().strip())
    return [secret for secret in found if len(secret) >= SHORTEST_SECRET]
