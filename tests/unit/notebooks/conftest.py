# SPDX-License-Identifier: Apache-2.0
"""A real vector process, API and worker, with a double of the model server, for this room."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from beast_ops import http, testing
from beast_ops.addresses import networks
from beast_ops.api.app import build
from beast_ops.api.settings import Surroundings as ApiSurroundings
from beast_ops.cards import Health
from beast_ops.chat import writer
from beast_ops.evals.job import Evaluating
from beast_ops.ingest.run import handler
from beast_ops.ingest.settings import Surroundings, WorkerSettings, jobs_file
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Bounded, Worker
from beast_ops.llm.testing import FakeOllama, fake_ollama
from beast_ops.notebooks import desk, fetch, transform, workshop
from beast_ops.notebooks.transform import Transforming
from beast_ops.place import Place
from beast_ops.testing import a_service, an_installation, free_port, serving
from beast_ops.vectors.testing import Server, running

UPLOAD_BYTES = 200_000
SECONDS = 30
OWLS = "# Owls\n\nOwls fly by night and hear a mouse under the snow.\n"
CATS = "# Cats\n\nCats sleep most of the day and purr when they are stroked.\n"


class Answered:
    """What became of notebooks, through HTTP."""

    def __init__(self, client: http.Client) -> None:
        self.client = client

    def notebook(self, name: str, **more: Any) -> str:
        answer = self.client.post("/notebooks", json={"name": name, **more})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def text(self, notebook: str, text: str, name: str = "Notes") -> str:
        answer = self.client.post(
            f"/notebooks/{notebook}/sources", json={"text": text, "name": name}
        )
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def source(self, notebook: str, source: str) -> dict[str, Any]:
        return dict(self.client.get(f"/notebooks/{notebook}/sources/{source}").json())

    def settled(self, notebook: str, source: str) -> dict[str, Any]:
        """Return the source once it is ready or failed."""
        until = time.monotonic() + SECONDS
        while True:
            found = self.source(notebook, source)
            if found["state"] in {"ready", "failed"}:
                return found
            assert time.monotonic() < until, found
            time.sleep(0.05)

    def read(self, notebook: str, text: str, name: str = "Notes") -> str:
        source = self.text(notebook, text, name)
        assert self.settled(notebook, source)["state"] == "ready"
        return source

    def search(self, query: str, *notebooks: str) -> list[dict[str, Any]]:
        answer = self.client.post("/search", json={"query": query, "notebook": list(notebooks)})
        assert answer.is_success, answer.text
        return list(answer.json()["hits"])


@dataclass
class Stack:
    """A running installation of API and worker."""

    place: Place
    around: ApiSurroundings
    vectors: Server
    ollama: FakeOllama
    address: str

    def client(self) -> http.Client:
        headers = {"authorization": "Bearer token"}
        return http.client(self.address, headers=headers, seconds=SECONDS)

    def points(self, collection: str = "notebooks") -> list[dict[str, Any]]:
        """Return the payload of every point of *collection*; nothing if there is none."""
        body = {"limit": 10_000, "with_payload": True}
        with http.client(self.vectors.url, headers={"api-key": self.vectors.key}) as client:
            answer = client.post(f"/collections/{collection}/points/scroll", json=body)
        found = answer.json()["result"]["points"] if answer.is_success else ()
        return [each["payload"] for each in found]


@pytest.fixture(scope="package", autouse=True)
def _it_goes_fast():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(testing, "START_SECONDS", 60.0)  # busy machines take their time
        patch.setattr(desk, "LOOK_SECONDS", 0.05)
        patch.setattr(desk, "IDLE_SECONDS", 0.1)
        patch.setattr(transform, "SAY_SECONDS", 0.02)
        patch.setattr(transform, "CHECK_SECONDS", 0.05)
        patch.setattr(workshop, "FOLLOW_SECONDS", 0.05)
        yield


@pytest.fixture(autouse=True)
def _models_are_looked_up_anew(monkeypatch):
    monkeypatch.setattr(writer, "FRESH_SECONDS", 0.0)


@pytest.fixture
def _this_machine_is_public(monkeypatch):
    real = fetch.Web
    allowed = networks(["127.0.0.1/32"])
    monkeypatch.setattr(fetch, "Web", lambda _: real(allowed))


def surroundings(place: Place, vectors: Server, port: int, models: str | None) -> ApiSurroundings:
    config = place.config / "beast-api"
    config.mkdir(parents=True)
    settings = {"port": port, "upload_bytes": UPLOAD_BYTES}
    (config / "settings.json").write_text(json.dumps(settings))
    return ApiSurroundings(
        root=place.root,
        services=place.services,
        data=place.data / "1",
        settings=config / "settings.json",
        secrets=place.secrets / "beast-api",
        vectors_url=vectors.url,
        vectors_key=place.secrets / "beast-api" / "vectors_key",
        models_url=models,
    )


@pytest.fixture(scope="session")
def stack(tmp_path_factory) -> Iterator[Stack]:
    folder, port = tmp_path_factory.mktemp("notebooks"), free_port()
    address = f"http://127.0.0.1:{port}"
    with ExitStack() as opened:
        vectors = opened.enter_context(running(folder / "vectors"))
        ollama = opened.enter_context(fake_ollama())
        place = an_installation(
            folder / "root",
            a_service("beast-api", address, health=Health(path="/health/live", deep="api")),
            secrets={
                "beast-api/token": "token",
                "beast-api/metrics_token": "other",
                "beast-api/vectors_key": vectors.key,
            },
        )
        around = surroundings(place, vectors, port, ollama.url)
        opened.enter_context(serving(build(around), port))
        opened.enter_context(working(around, vectors, ollama.url))
        yield Stack(place, around, vectors, ollama, address)


class working:  # noqa: N801 - reads as what it is used for
    """A worker in a thread, for as long as this lasts."""

    def __init__(self, around: ApiSurroundings, vectors: Server, models: str | None) -> None:
        settings = WorkerSettings(embedder="none")
        found = Surroundings(around.data, settings, vectors.url, vectors.key, models)
        self.table = JobTable(jobs_file(around.data))
        able = {
            "ingest": Bounded(handler(found)),
            "transform": Bounded(Transforming(found)),
            "evaluate": Bounded(Evaluating(found)),
        }
        self.worker = Worker(self.table, able, "test")
        self.thread = threading.Thread(target=self.worker.run)

    def __enter__(self) -> Worker:
        self.thread.start()
        return self.worker

    def __exit__(self, *failure: object) -> None:
        self.worker.stop()
        self.thread.join(20)
        self.table.close()


@pytest.fixture(scope="session")
def client(stack):
    with stack.client() as opened:
        yield opened


@pytest.fixture(scope="session")
def told(client) -> Answered:
    return Answered(client)


@pytest.fixture
def notebook(told, request) -> Iterator[str]:
    """A notebook of its own for one test."""
    key = told.notebook(f"{request.node.name[:60]} {time.monotonic_ns()}")
    yield key
    told.client.delete(f"/notebooks/{key}")
