# SPDX-License-Identifier: Apache-2.0
"""Doubles and small installations for tests: ours, and those of who builds on us.

They are real where it matters: a fake service listens on a real port of the loopback.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import http
from .cards import Health, Secret, Service, Services
from .knowledge import DENSE, SPARSE
from .place import Place

if TYPE_CHECKING:
    from qdrant_edge import Bm25
    from starlette.types import ASGIApp

START_SECONDS = 60.0  # a busy machine takes its time; one that works waits for none of it


@dataclass(frozen=True, slots=True)
class Asked:
    """One request a fake service got."""

    method: str
    path: str
    headers: Mapping[str, str]  # names in small letters
    body: bytes


@dataclass(frozen=True, slots=True)
class Canned:
    """What a fake service answers: anything but bytes goes out as JSON, after some *seconds*."""

    body: Any = b""
    status: int = 200
    seconds: float = 0.0


@dataclass(slots=True)
class FakeService:
    """A service that answers from a can, and remembers what it was asked."""

    address: str
    asked: list[Asked] = field(default_factory=list)


Answers = Mapping[str, Canned | Callable[[Asked], Canned]]


@contextmanager
def fake_service(answers: Answers) -> Iterator[FakeService]:
    """Serve *answers*, by path without query, on a free port; all else is 404."""
    with _Server(answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server.fake
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


class _Server(ThreadingHTTPServer):
    """Listens for a fake service; `over` ends what still waits for an answer."""

    request_queue_size = 128  # many may knock at once; the default of 5 makes them wait 1 s

    def __init__(self, answers: Answers) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.over = answers, threading.Event()
        self.fake = FakeService(f"http://127.0.0.1:{self.server_address[1]}")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two packets: else 40 ms per answer
    server: _Server

    def do_any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(self.command, self.path, headers, self._body(headers))
        self.server.fake.asked.append(asked)
        found = self.server.answers.get(self.path.split("?")[0], Canned(status=404))
        self._answer(found(asked) if callable(found) else found)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size + 2)[:-2]
        self.rfile.readline()
        return body

    def _answer(self, canned: Canned) -> None:
        # A test that is done does not wait for a service that hangs.
        self.server.over.wait(canned.seconds)
        raw = isinstance(canned.body, bytes)
        content = canned.body if raw else json.dumps(canned.body).encode()
        try:
            self.send_response(canned.status)
            self.send_header("content-length", str(len(content)))
            self.send_header("content-type", "text/plain" if raw else "application/json")
            self.end_headers()
            self.wfile.write(content)
        except OSError:
            self.close_connection = True  # whoever asked has lost patience

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_any  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(app: "ASGIApp", port: int = 0) -> Iterator[str]:
    """Serve *app* by uvicorn in a thread and give its address.

    Raises:
        RuntimeError: If it does not start within `START_SECONDS`.
    """
    import uvicorn

    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        lifespan="on",
        proxy_headers=False,  # as where it is in earnest: the application judges them itself
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the application did not start")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        listener.close()


def free_port() -> int:
    """Return a port nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def a_service(name: str, address: str | None = None, **said: Any) -> Service:
    """Return a service of a release of which only the fields in *said* matter."""
    plain: dict[str, Any] = {
        "name": name,
        "role": name.replace("-", "_"),
        "address": address,
        "external": False,
        "optional": False,
        "process": None,
        "environment": {},
        "volumes": (),
        "state": (),
        "secrets": {},
        "health": Health(),
        "metrics": None,
        "change": "0",
    }
    return Service(**{**plain, **said})


def an_installation(
    root: Path, *services: Service, secrets: Mapping[str, str] | None = None
) -> Place:
    """Make a place below *root* whose release runs *services*.

    Args:
        root: An empty folder.
        services: What the release runs.
        secrets: Values of secrets by `reader/file`.
    """
    place = Place(root)
    release = place.releases / "1-0"
    release.mkdir(parents=True)
    place.current.symlink_to(release)
    (place.data / "1").mkdir(parents=True)
    found = Services(
        project="beast",
        runtime="embedded",
        root=str(root),
        data=str(place.data / "1"),
        services=services,
    )
    place.services.write_text(found.model_dump_json())
    for name, value in (secrets or {}).items():
        target = place.secrets / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(value)
    return place


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk to be found; dense only if it has a vector."""

    text: str
    path: str = "/docs/a.md"
    type: str = "md"
    dense: tuple[float, ...] | None = None
    page: int | None = None
    modified: str | None = None
    tags: tuple[str, ...] = ()
    author: str | None = None


def fill(
    client: http.Client, collection: str, passages: Sequence[Passage], embedder: str = "test"
) -> None:
    """Make *collection*, an alias with a collection behind it, of *passages* in the store.

    Args:
        client: Carries the store's address and key.
        collection: The alias; the collection is called like it with `--1` behind.
        passages: What one can find; their ids count from 1.
        embedder: What made their dense vectors, if they have any.
    """
    from qdrant_edge import Bm25, Bm25Config

    size = next((len(passage.dense) for passage in passages if passage.dense), 0)
    bm25 = Bm25(Bm25Config(language="english"))
    behind = f"{collection}--1"
    _put(
        client,
        f"/collections/{behind}",
        {
            "vectors": {DENSE: {"size": size, "distance": "Cosine"}} if size else {},
            "sparse_vectors": {SPARSE: {"modifier": "idf"}},
            "metadata": {"embedder": embedder, "model": embedder, "language": "english"},
        },
    )
    alias = {"collection_name": behind, "alias_name": collection}
    client.post(
        "/collections/aliases", json={"actions": [{"create_alias": alias}]}
    ).raise_for_status()
    points = [
        {"id": number, "vector": _vectors(passage, bm25), "payload": _payload(passage)}
        for number, passage in enumerate(passages, start=1)
    ]
    _put(client, f"/collections/{behind}/points?wait=true", {"points": points})


def _vectors(passage: Passage, bm25: "Bm25") -> dict[str, Any]:
    sparse = bm25.embed_document(passage.text)
    vector: dict[str, Any] = {SPARSE: {"indices": sparse.indices, "values": sparse.values}}
    return {**vector, DENSE: list(passage.dense)} if passage.dense else vector


def _payload(passage: Passage) -> dict[str, Any]:
    return {
        "text": passage.text,
        "source": f"file://host{passage.path}",
        "path": passage.path,
        "type": passage.type,
        "title": "",
        "heading": ["Top"],
        "page": passage.page,
        "modified": passage.modified,
        "tags": list(passage.tags),
        "author": passage.author,
    }


def _put(client: http.Client, path: str, body: Any) -> None:
    client.put(path, json=body).raise_for_status()


def secrets(*names: str) -> dict[str, Secret]:
    """Return secrets with these *names*, as a card has them."""
    return {name: Secret() for name in names}
