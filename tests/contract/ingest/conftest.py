# SPDX-License-Identifier: Apache-2.0
"""A worker's surroundings with a real vector process, and the things one asks about them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from beast_ops import http
from beast_ops.ingest import pool
from beast_ops.ingest.intake import Intake
from beast_ops.ingest.manifest import DocumentEntry, Manifest
from beast_ops.ingest.parse import Document
from beast_ops.ingest.reembed import Reembedding
from beast_ops.ingest.run import Run
from beast_ops.ingest.settings import Surroundings, WorkerSettings
from beast_ops.ingest.sources import uri
from beast_ops.jobs.model import Job
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Handler, Worker
from beast_ops.llm.hashing import HashEmbedder
from beast_ops.vectors.testing import Server, running

HOST = "laptop"


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("vectors")) as server:
        yield server


@dataclass
class Bench:
    """Everything an ingestion touches, without the processes around it."""

    around: Surroundings
    server: Server
    collection: str
    files: dict[str, bytes] = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)

    def write(self, **texts: str | bytes) -> None:
        """Write documents as a client has them; `a_md` is the file `/docs/a.md`."""
        for name, text in texts.items():
            path = f"/docs/{name.replace('_', '.')}"
            self.files[path] = text.encode() if isinstance(text, str) else text
            self.times[path] = self.times.get(path, 0) + 1

    def remove(self, name: str) -> None:
        del self.files[f"/docs/{name.replace('_', '.')}"]

    def manifest(self, folders: tuple[str, ...] = ("/docs",)) -> Manifest:
        return Manifest(
            collection=self.collection,
            documents=tuple(
                DocumentEntry(source=uri(HOST, path), size=len(text), mtime_ns=self.times[path])
                for path, text in sorted(self.files.items())
            ),
            folders=tuple(uri(HOST, folder) for folder in folders),
        )

    def physical(self) -> str:
        for alias in self.ask("GET", "/aliases")["aliases"]:
            if alias["alias_name"] == self.collection:
                return str(alias["collection_name"])
        return ""

    def send(self, manifest: Manifest | None = None) -> str:
        """Open a job as the API does, send what it wants, and start it."""
        manifest = manifest or self.manifest()
        intake = Intake(self.around.data)
        opened = intake.open_job(manifest, self.physical())
        for place in opened.wanted:
            upload = intake.receive(opened.job, place)
            upload.write(list(dict(sorted(self.files.items())).values())[place])
            upload.finish()
        if opened.wanted:
            intake.start(opened.job)
        intake.close()
        return opened.job

    def send_nothing(self) -> str:
        """Open a job and leave it."""
        intake = Intake(self.around.data)
        self.write(left_md="Never sent.")
        job = intake.open_job(self.manifest(), "").job
        intake.close()
        return job

    def work(self, wrap: Callable[[Run], Handler] = lambda run: run) -> None:
        """Have a worker run what is ready."""
        run = Run(self.around)
        with JobTable(self.around.jobs) as table:
            handlers = {"ingest": wrap(run), "reembed": Reembedding(self.around)}
            worker = Worker(table, handlers, "test", tidy=run.tidy)
            while worker.run_one():
                pass

    def job(self, name: str) -> Job:
        with JobTable(self.around.jobs) as table:
            return table.get(name)

    def ingest(self, manifest: Manifest | None = None) -> Mapping[str, Any]:
        """Send and work; return the result."""
        name = self.send(manifest)
        self.work()
        job = self.job(name)
        assert job.result is not None, job.error
        return job.result

    def counts(self, **expected: int) -> dict[str, int]:
        return {"seen": 0, "ingested": 0, "unchanged": 0, "deleted": 0, "failed": 0} | expected

    def ask(self, method: str, path: str, body: object = None) -> Any:
        with http.client(self.server.url, headers={"api-key": self.server.key}) as client:
            answer = client.request(method, path, json=body)
            answer.raise_for_status()
            return answer.json()["result"]

    def points(self) -> dict[str, Any]:
        """Return all points with payload and vectors, by id."""
        body = {"limit": 10_000, "with_payload": True, "with_vector": True}
        found = self.ask("POST", f"/collections/{self.collection}/points/scroll", body)["points"]
        return {point["id"]: point for point in found}

    def texts(self) -> list[str]:
        return sorted(point["payload"]["text"] for point in self.points().values())


@pytest.fixture
def bench(tmp_path: Path, vectors: Server, request: pytest.FixtureRequest) -> Callable[..., Bench]:
    """Return what makes a bench; settings as `WorkerSettings` has them."""

    def make(folder: str = "one", **settings: Any) -> Bench:
        plain = {"embedder": "hash", "chunk_characters": 200, "chunk_overlap": 40, "batch": 4}
        around = Surroundings(
            data=tmp_path / folder / "data" / "1",
            settings=WorkerSettings.model_validate_json(json.dumps(plain | settings)),
            vectors_url=vectors.url,
            vectors_key=vectors.key,
            models_url=None,
        )
        number = abs(hash(request.node.nodeid)) % 10**9
        return Bench(around, vectors, f"t{number}-{folder}")

    return make


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], list[str]]:
    """Return the names of documents that are read, and the texts that get dense vectors."""
    read: list[str] = []
    embedded: list[str] = []
    parse, embed = pool.parse, HashEmbedder.embed_documents

    def parsed(path: Path, name: str) -> Document:
        read.append(name)
        return parse(path, name)

    def counted(self: HashEmbedder, texts: Sequence[str]) -> Any:
        embedded.extend(texts)
        return embed(self, texts)

    monkeypatch.setattr(pool, "parse", parsed)
    monkeypatch.setattr(HashEmbedder, "embed_documents", counted)
    return read, embedded
