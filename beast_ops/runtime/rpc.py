# SPDX-License-Identifier: Apache-2.0
"""Talk to supervisord: XML-RPC over its Unix socket, every call with a deadline.

What answers is our own process, behind a folder of ours alone.

The calls are described at https://supervisord.org/api.html.
"""

import http.client
import socket
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from xml.parsers.expat import ExpatError

from beast_ops.errors import ServiceError, UnavailableError

CALL_SECONDS = 10.0
ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED = 60, 70, 90  # xmlrpc.Faults
LEAVING = 0
HARMLESS = frozenset({ALREADY_STARTED, NOT_RUNNING, ALREADY_ADDED})


@dataclass(frozen=True, slots=True)
class Info:
    """One program, as supervisord sees it; `started` and `now` in seconds since 1970."""

    name: str
    state: str
    pid: int
    started: int
    now: int
    complaint: str


class Supervisor:
    """The supervisord that listens on one socket, running or not."""

    def __init__(self, path: Path, seconds: float = CALL_SECONDS) -> None:
        """Remember the socket's *path*, and how many *seconds* one answer may take."""
        self._path, self._seconds = path, seconds

    def presence(self) -> int | None:
        """Return its process number, `LEAVING` if it is on its way out, None if nobody answers."""
        try:
            return int(self.call("getPID"))
        except ServiceError:  # then it answers this to everything
            return LEAVING
        except UnavailableError:
            return None

    def processes(self) -> list[Info]:
        """Return what is known of every program."""
        return [
            Info(
                name=str(found["name"]),
                state=str(found["statename"]),
                pid=int(found["pid"]),
                started=int(found["start"]),
                now=int(found["now"]),
                complaint=str(found["spawnerr"]),
            )
            for found in self.call("getAllProcessInfo")
        ]

    def reload(self) -> tuple[set[str], set[str], set[str]]:
        """Read the configuration again; return the programs added, changed and removed."""
        ((added, changed, removed),) = self.call("reloadConfig")
        return set(added), set(changed), set(removed)

    def start(self, name: str) -> None:
        """Begin to start a program; nothing happens if it runs."""
        self.call("startProcess", name, False)  # noqa: FBT003 - do not wait: XML-RPC has no names

    def stop(self, name: str) -> None:
        """Begin to stop a program; nothing happens if it does not run."""
        self.call("stopProcess", name, False)  # noqa: FBT003 - likewise

    def call(self, method: str, *arguments: str | bool) -> Any:
        """Call supervisord's *method*; what it calls already so is no failure.

        Raises:
            UnavailableError: If nothing answers in time.
            ServiceError: If it refuses.
        """
        transport = _Transport(self._path, self._seconds)
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode in HARMLESS:
                return None
            raise ServiceError(
                f"supervisord refuses {method}: {fault.faultString}",
                subject=" ".join(map(str, arguments)),
            ) from fault
        except (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError) as silent:
            raise UnavailableError(
                "supervisord does not answer", subject=str(self._path), hint="Run: ./beast deploy"
            ) from silent


class _Connection(http.client.HTTPConnection):
    """HTTP through a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class _Transport(xmlrpc.client.Transport):
    """XML-RPC through a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__()
        self._path, self._seconds = path, seconds
        self._open: _Connection | None = None

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ARG002 - the socket is the host
        self._open = self._open or _Connection(self._path, self._seconds)
        return cast("http.client.HTTPConnection", self._open)

    def close(self) -> None:
        if self._open:
            self._open.close()
            self._open = None
