# SPDX-License-Identifier: Apache-2.0
"""The real worker and the real vector process, killed while documents are stored.

Whatever is killed, and whenever: once all is up again, the collection equals that of a run
nobody disturbed, point for point, and no document is lost from the report.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import update

from beast_ops.database import Database
from beast_ops.database.look import looking
from beast_ops.errors import BeastError, DatabaseError
from beast_ops.ingest.settings import Surroundings, WorkerSettings
from beast_ops.jobs.model import ENDED, State
from beast_ops.jobs.schema import JOBS
from beast_ops.vectors.testing import Server, running
from tests.contract.ingest.conftest import Bench

DOCUMENTS = 120
SETTINGS = {"embedder": "hash", "chunk_characters": 200, "chunk_overlap": 40, "batch": 8}
DEADLINE_SECONDS = 90.0


class Stack:
    """A worker process beside a vector process."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder, self.server = folder, server
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "config").mkdir(parents=True)
        (folder / "config/settings.json").write_text(json.dumps(SETTINGS))
        (folder / "key").write_text(server.key)
        around = Surroundings(
            data=folder / "root/data/1",
            settings=WorkerSettings.model_validate_json(json.dumps(SETTINGS)),
            vectors_url=server.url,
            vectors_key=server.key,
            models_url=None,
        )
        self.bench = Bench(around, server, folder.name)

    def start(self) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "BEAST_DATA": str(self.bench.around.data),
            "BEAST_CONFIG": str(self.folder / "config"),
            "BEAST_VECTORS_URL": self.server.url,
            "BEAST_VECTORS_KEY_FILE": str(self.folder / "key"),
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "beast_ops.jobs"), env=environment, stderr=log
            )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None

    def stored(self, job: str) -> int:
        """Return how many documents *job* has stored for good."""
        try:
            with looking(self.bench.around.state) as rows:
                query = "SELECT COUNT(*) FROM documents WHERE job = ?"
                return int(rows.execute(query, (job,)).fetchone()[0])
        except DatabaseError:  # not there yet, or just being made
            return 0

    def wait(self, job: str, documents: int) -> bool:
        """Wait until that many documents are final; return whether the job still runs."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.stored(job) < documents:
            if self.bench.job(job).state in ENDED:
                return False
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.002)
        return self.bench.job(job).state not in ENDED

    def let_the_lease_run_out(self) -> None:
        """Do what twenty seconds would do."""
        with Database(self.bench.around.jobs) as database, database.writing() as table:
            table.execute(update(JOBS).where(JOBS.c.state == State.RUNNING).values(lease=0))


@contextmanager
def stack(folder: Path, server: Server) -> Iterator[Stack]:
    made = Stack(folder, server)
    made.start()
    try:
        yield made
    finally:
        if made.process is not None:
            made.kill()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(tmp_path / "vectors") as started:
        yield started


def fill(bench: Bench, seed: int) -> None:
    """Give the client documents of several chunks each."""
    chance = random.Random(seed)  # noqa: S311 - documents, not secrets
    words = ["lease", "token", "fence", "worker", "store", "point", "chunk", "kill", "again"]
    for number in range(DOCUMENTS):
        sentences = (" ".join(chance.choices(words, k=9)) for _ in range(chance.randint(1, 20)))
        bench.write(**{f"{number:03}_md": f"# Part {number}\n\n" + ". ".join(sentences)})


def change(bench: Bench) -> None:
    """Change a third of the documents, remove a few, add a few."""
    for number in range(0, DOCUMENTS, 3):
        text = bench.files[f"/docs/{number:03}.md"].decode()
        bench.write(**{f"{number:03}_md": text.replace("lease", "hold") + " And more."})
    for number in range(1, DOCUMENTS, 20):
        bench.remove(f"{number:03}_md")
    bench.write(new_md="# New\n\nNot there before.")


def test_kills_of_worker_and_store_leave_no_trace(
    tmp_path: Path, server: Server, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - moments, not secrets
    with stack(tmp_path / "calm", server) as calm, stack(tmp_path / "stormy", server) as stormy:
        for each in (calm, stormy):
            fill(each.bench, seed=7)
        within = 0
        for documents, prepare in ((DOCUMENTS, lambda _: None), (DOCUMENTS // 3, change)):
            for each in (calm, stormy):
                prepare(each.bench)
            quiet = calm.bench.send()
            calm.wait(quiet, DOCUMENTS * 10)
            job = stormy.bench.send()
            for part, victim in enumerate(("worker", "store", "both", "worker"), start=1):
                within += stormy.wait(job, documents * part // 5)
                time.sleep(chance.uniform(0, 0.02))
                strike(stormy, server, victim)
            stormy.wait(job, DOCUMENTS * 10)

            assert State.DONE is calm.bench.job(quiet).state
            assert State.DONE is stormy.bench.job(job).state, stormy.bench.job(job).error
            assert calm.bench.points() == stormy.bench.points()
        assert within >= 6  # of 8: most kills must come while there is something to lose


def strike(stormy: Stack, server: Server, victim: str) -> None:
    """Kill and start again."""
    if victim in {"worker", "both"}:
        stormy.kill()
    if victim in {"store", "both"}:
        with suppress(BeastError):
            server.kill()
        server.start()
    if victim in {"worker", "both"}:
        stormy.let_the_lease_run_out()
        stormy.start()


def test_the_worker_ends_quickly_and_gives_its_job_back(tmp_path: Path, server: Server) -> None:
    with stack(tmp_path / "one", server) as one:
        fill(one.bench, seed=7)
        job = one.bench.send()
        one.wait(job, 10)
        begun = time.monotonic()
        assert one.process is not None
        one.process.terminate()
        code = one.process.wait(10)
        took = time.monotonic() - begun
        one.process = None
        between = one.bench.job(job).state
        one.start()
        one.wait(job, DOCUMENTS * 10)

        result = one.bench.job(job).result
        assert (0, State.READY) == (code, between)
        assert took < 5
        assert result is not None
        assert one.bench.counts(seen=DOCUMENTS, ingested=DOCUMENTS) == result["documents"]
