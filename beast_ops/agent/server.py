# SPDX-License-Identifier: Apache-2.0
"""Listen on a Unix socket, let in who may ask, answer one request each, and write it down."""

import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from beast_ops.cards import read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, BusyError
from beast_ops.place import Place

from .protocol import REQUEST_BYTES, Answer, Fault, Request, fault, named, read_request, socket_of
from .verbs import act

LOG = logging.getLogger("beast.agent")
AT_ONCE = 8
PATIENCE_SECONDS = 5.0  # to send a request, or to take its answer
GRACE_SECONDS = 2.0  # at the end, to be written down
AUDIT_BYTES, AUDIT_FILES = 5 << 20, 3
CREDENTIALS = struct.Struct("3i")  # unix(7): struct ucred
FOLDER_MODE = 0o755  # the folder above is root's alone; containers see this one
HARMLESS = frozenset(
    {"ping", "gpu", "history", "keeper", "backups", "operation", "operations", "receipts"}
)
STRANGER = "only root and the API of this installation may ask the agent"


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int


def peer(connection: socket.socket) -> Peer:
    """Return who is at the other end of *connection*."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    pid, uid, _ = CREDENTIALS.unpack(raw)
    return Peer(pid, uid)


class Agent:
    """The agent of one installation."""

    def __init__(
        self,
        place: Place,
        do: Callable[[Place, Request], Any] = act,
        clock: Clock = SYSTEM,
    ) -> None:
        """Serve the installation at *place*.

        Args:
            place: The installation.
            do: Does what a request wants.
            clock: Tells the time of what is written down.
        """
        self._place, self._do, self._clock = place, do, clock
        self._turns = threading.BoundedSemaphore(AT_ONCE)
        self._book = _book(place.logs / "agent.log")
        self._audit = logging.Logger("beast.agent.audit", logging.INFO)  # noqa: LOG001 - ours alone
        self._audit.addHandler(self._book)
        self._socket: socket.socket | None = None
        self._attending: list[threading.Thread] = []

    def listen(self) -> None:
        """Make the socket, in place of one that an agent before us left.

        Raises:
            OSError: If it cannot be made.
        """
        path = socket_of(self._place.root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(FOLDER_MODE)
        path.unlink(missing_ok=True)
        opened = socket.socket(socket.AF_UNIX)
        with named(path) as name:
            opened.bind(name)
        path.chmod(0o600)
        owner = api_user(self._place)
        if owner is not None and os.getuid() == 0:
            os.chown(path, owner, -1)
        opened.listen(AT_ONCE)
        self._socket = opened

    def serve(self) -> None:
        """Answer until `close`."""
        assert self._socket is not None  # noqa: S101 - for mypy; `listen` came first
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return  # closed
            attending = threading.Thread(target=self._attend, args=(connection,), daemon=True)
            self._attending = [each for each in self._attending if each.is_alive()]
            self._attending.append(attending)
            attending.start()

    def close(self) -> None:
        """Stop listening; who is being answered still is, and has a moment for it."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        deadline = SYSTEM.monotonic() + GRACE_SECONDS
        for each in self._attending:
            each.join(max(0.0, deadline - SYSTEM.monotonic()))
        self._book.close()

    def _attend(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # who left does not hear the answer
            connection.settimeout(PATIENCE_SECONDS)
            asker = peer(connection)
            if asker.uid not in allowed(self._place):
                connection.recv(REQUEST_BYTES)  # else whoever asks is cut off in mid-sentence
                answer = Answer(fault=Fault(kind="usage", message=STRANGER))
                self._note(asker, None, "refused", 0.0)
            else:
                answer = self._answer(connection, asker)
            connection.sendall(answer.model_dump_json().encode() + b"\n")

    def _answer(self, connection: socket.socket, asker: Peer) -> Answer:
        begun = self._clock.monotonic()
        request = None
        try:
            with connection.makefile("rb") as lines:
                request = read_request(lines.readline(REQUEST_BYTES))
            answer = Answer(result=self._take_turn(request))
            outcome = "done"
        except BeastError as failed:
            answer, outcome = Answer(fault=fault(failed)), f"failed: {failed}"
        except TimeoutError:
            answer = Answer(fault=Fault(kind="usage", message="no request came in time"))
            outcome = "silent"
        except Exception:
            LOG.exception("a request failed")
            told = "the agent made a mistake; its log says more"
            answer, outcome = Answer(fault=Fault(kind="failed", message=told)), "mistake"
        self._note(asker, request, outcome, self._clock.monotonic() - begun)
        return answer

    def _take_turn(self, request: Request) -> Any:
        if not self._turns.acquire(blocking=False):
            raise BusyError("the agent is busy", hint="Try again in a moment.")
        try:
            return self._do(self._place, request)
        finally:
            self._turns.release()

    def _note(self, asker: Peer, request: Request | None, outcome: str, seconds: float) -> None:
        """Write down who had what done; never what came of it, which may be anything."""
        verb = request.verb if request else None
        if verb in HARMLESS and outcome == "done":
            return  # asked all the time, and harmless
        entry = {
            "time": self._clock.now().isoformat(timespec="seconds"),
            "uid": asker.uid,
            "pid": asker.pid,
            "verb": verb,
            "service": request.service if request else None,
            "name": request.name if request else None,
            "outcome": outcome,
            "seconds": round(seconds, 3),
        }
        self._audit.info("%s", json.dumps(entry))


def api_user(place: Place) -> int | None:
    """Return the user the API of *place* runs as in its container; `None` if it runs in none."""
    try:
        user = read_services(place.services).api().user
    except BeastError:
        return None
    return int(user.partition(":")[0]) if user else None


def allowed(place: Place) -> frozenset[int]:
    """Return the users who may ask: root, whoever we are, and the API's."""
    api = api_user(place)
    return frozenset({0, os.getuid()} | ({api} if api is not None else set()))


def _book(path: Path) -> RotatingFileHandler:
    """Return what writes down what was done, for root to read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.chmod(0o600)
    return RotatingFileHandler(path, maxBytes=AUDIT_BYTES, backupCount=AUDIT_FILES)
