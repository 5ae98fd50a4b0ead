# SPDX-License-Identifier: Apache-2.0
"""A real vector process for the tests of this room, and a real API and worker around it."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.api.settings import Surroundings as ApiSurroundings
from beast_ops.cards import Health
from beast_ops.ingest.client import IngestOptions, ingest
from beast_ops.ingest.run import handler
from beast_ops.ingest.settings import Surroundings, WorkerSettings
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Worker
from beast_ops.place import Place
from beast_ops.testing import a_service, an_installation, free_port, serving
from beast_ops.vectors.testing import Server, running


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("vectors")) as server:
        yield server


UPLOAD_BYTES = 200_000


@dataclass
class Stack:
    """A running installation of API and worker."""

    place: Place
    data: Path
    vectors: Server
    upload_bytes: int = UPLOAD_BYTES
    worker: Worker | None = None
    events: list[dict[str, Any]] = field(default_factory=list)

    def ingest(self, *paths: object, **options: Any) -> dict[str, Any]:
        self.events.clear()
        show = options.pop("show", lambda event: self.events.append(dict(event)))
        return ingest(self.place, [str(path) for path in paths], IngestOptions(**options), show)

    def points(self, collection: str) -> dict[str, Any]:
        """Return the payload of every point of *collection*."""
        body = {"limit": 10_000, "with_payload": True}
        with http.client(self.vectors.url, headers={"api-key": self.vectors.key}) as client:
            answer = client.post(f"/collections/{collection}/points/scroll", json=body)
        return {each["id"]: each["payload"] for each in answer.json()["result"]["points"]}

    def jobs(self) -> list[Any]:
        with JobTable(self.data / "jobs" / "jobs.sqlite") as table:
            return list(table.newest(100))


@pytest.fixture(scope="module")
def stack(tmp_path_factory, vectors) -> Iterator[Stack]:
    folder, port = tmp_path_factory.mktemp("client"), free_port()
    address = f"http://127.0.0.1:{port}"
    place = an_installation(
        folder / "root",
        a_service("beast-api", address, health=Health(path="/health/live", deep="api")),
        secrets={
            "beast-api/token": "token",
            "beast-api/metrics_token": "other",
            "beast-api/vectors_key": vectors.key,
        },
    )
    config, data = place.config / "beast-api", place.data / "1"
    config.mkdir(parents=True)
    settings = {"port": port, "upload_bytes": UPLOAD_BYTES}
    (config / "settings.json").write_text(json.dumps(settings))
    around = ApiSurroundings(
        root=place.root,
        services=place.services,
        data=data,
        settings=config / "settings.json",
        secrets=place.secrets / "beast-api",
        vectors_url=vectors.url,
        vectors_key=place.secrets / "beast-api" / "vectors_key",
        models_url=None,
    )
    found = Surroundings(data, WorkerSettings(embedder="none"), vectors.url, vectors.key, None)
    with JobTable(data / "jobs" / "jobs.sqlite") as table, serving(build(around), port):
        worker = Worker(table, {"ingest": handler(found)}, "test")
        thread = threading.Thread(target=worker.run)
        thread.start()
        yield Stack(place, data, vectors, worker=worker)
        worker.stop()
        thread.join(20)
