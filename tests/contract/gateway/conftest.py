# SPDX-License-Identifier: Apache-2.0
"""A gateway as it is deployed, before a model server that remembers what it was sent."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from beast_ops import http
from beast_ops.access.model import Scope
from beast_ops.access.rules import EVERYTHING, ModelRules
from beast_ops.access.schema import SCHEMA
from beast_ops.access.store import AccessStore, access_file
from beast_ops.database import Database
from beast_ops.testing import a_service, an_installation, free_port, serving

CLONE = Path(__file__).parents[3]
CLIENTS = {"worker": "admin", "open-webui": "write", "looker": "read"}
MODELS = ["llama3.2:latest", "llama3.2:1b", "qwen3:8b", "secret:latest"]
HELD = ModelRules(("llama3.2", "qwen*:8b"))
IMPATIENT = (
    "import sys; from beast_ops.api import bodies, protocol;"
    "from beast_ops.gateway import upstream;"
    "protocol.HEAD_SECONDS = 1.0; bodies.PATIENCE_SECONDS = 1.0; upstream.TAKE_SECONDS = 2.0;"
    "from beast_ops.gateway.__main__ import main; sys.exit(main())"
)


@dataclass
class Recorder:
    """A model server that answers everything, and remembers what it was sent.

    `lines` are what a stream consists of, with `gap` seconds between; `way` how it goes on:
    `well`, `half` (it hangs up), `away` (it sends elsewhere), `garbage` (no list), `huge`.
    """

    asked: list = field(default_factory=list)
    lines: int = 3
    gap: float = 0.0
    way: str = "well"
    sent: int = 0
    given_up: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        path = scope["raw_path"].decode()
        if query := scope["query_string"]:
            path += f"?{query.decode()}"
        self.asked.append((scope["method"], path, scope["headers"], body))
        if scope["path"] in ("/api/chat", "/api/generate", "/api/pull"):
            await self._stream(receive, send)
        else:
            await self._once(scope["path"], send)

    async def _once(self, path, send):
        listed = [{"name": name, "model": name, "size": 1} for name in MODELS]
        found = {"models": listed} if path in ("/api/tags", "/api/ps") else {"path": path}
        if self.way == "garbage":
            found = ["no list"]
        status = 302 if self.way == "away" else 200
        body = json.dumps(found).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"set-cookie", b"their=cookie"),
            (b"location", b"http://elsewhere.test/"),
            (b"server", b"double"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _stream(self, receive, send):
        gone = asyncio.create_task(receive())
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        filler = "x" * (1 << 20 if self.way == "huge" else 1)
        for number in range(self.lines):
            if gone.done():
                self.given_up.set()
                return
            line = json.dumps({"number": number, "filler": filler}).encode() + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})
            self.sent += 1
            await asyncio.wait({gone}, timeout=self.gap)
        if self.way == "half":
            raise ConnectionError("the double hangs up")
        await send({"type": "http.response.body", "body": b""})
        gone.cancel()


@dataclass
class Door:
    """A running gateway."""

    port: int
    folder: Path
    log: Path
    process: subprocess.Popen
    recorder: Recorder

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def token(self, name):
        return f"token-of-{name}"

    def client(self, token=None, seconds=20, **headers):
        if token:
            headers["authorization"] = f"Bearer {token}"
        return http.client(self.address, headers=headers, seconds=seconds)

    def make(self, name, scope=Scope.WRITE, rules=EVERYTHING):
        """Make a token as the API does, beside the running gateway."""
        with Database(access_file(self.data), SCHEMA) as database:
            return AccessStore(database).create(name, scope, None, rules)[0]

    def revoke(self, name):
        with Database(access_file(self.data), SCHEMA) as database:
            AccessStore(database).revoke(name)

    @property
    def data(self):
        return self.folder / "data" / "1"


@contextmanager
def gateway(folder, recorder, **settings):
    """Run the gateway in *folder* before *recorder*, with little patience."""
    port = free_port()
    door = a_service("traefik", "http://127.0.0.1:1", inside="http://localhost:1")
    place = an_installation(
        folder,
        door,
        secrets={
            "g/metrics_token": "token-of-metrics",
            **{f"g/client_{each.replace('-', '_')}": f"token-of-{each}" for each in CLIENTS},
        },
    )
    config = place.config / "g"
    config.mkdir(parents=True)
    (config / "settings.json").write_text(json.dumps({"port": port, **settings}))
    environ = {
        "BEAST_SERVICES": str(place.services),
        "BEAST_DATA": str(place.data / "1"),
        "BEAST_CONFIG": str(config),
        "BEAST_SECRETS": str(place.secrets / "g"),
        "BEAST_UPSTREAM_URL": recorder.url,
        "BEAST_CLIENTS": ",".join(f"{name}={scope}" for name, scope in CLIENTS.items()),
    }
    log = folder / "log"
    with log.open("w") as told:
        process = subprocess.Popen(
            [sys.executable, "-c", IMPATIENT],
            env={**os.environ, **environ},
            cwd=CLONE,
            stdout=told,
            stderr=told,
        )
    try:
        found = Door(port, folder, log, process, recorder)
        wait(found)
        yield found
    finally:
        process.terminate()
        process.wait(20)


def wait(door):
    for _ in range(300):
        assert door.process.poll() is None, door.log.read_text()
        try:
            with door.client(seconds=1) as client:
                if client.get("/health/live").status_code == 200:
                    return
        except http.RequestError:
            time.sleep(0.1)
    raise AssertionError("it does not answer")


@pytest.fixture(scope="module")
def recorder():
    double = Recorder()
    with serving(double) as double.url:
        yield double


@pytest.fixture(scope="module")
def door(tmp_path_factory, recorder):
    limits = {"body_bytes": 1 << 20, "blob_bytes": 4 << 20, "per_minute": 100_000}
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("gateway") / "root"
        yield stack.enter_context(gateway(folder, recorder, guesses=1000, **limits))


@pytest.fixture(autouse=True)
def _usual(recorder):
    recorder.asked.clear()
    recorder.lines, recorder.gap, recorder.way, recorder.sent = 3, 0.0, "well", 0
    recorder.given_up.clear()
