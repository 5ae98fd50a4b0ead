# SPDX-License-Identifier: Apache-2.0
"""The job that fetches a model, from a server that streams what a test wants."""

import json
import threading

import pytest
import stamina

from beast_ops.errors import LeaseLostError
from beast_ops.ingest.settings import Surroundings, WorkerSettings
from beast_ops.jobs.model import State
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Grip, Worker
from beast_ops.llm.listing import step
from beast_ops.models import job as pulling
from beast_ops.models.job import KIND, Layers, Pulling
from beast_ops.models.pull import ATTEMPTS
from beast_ops.testing import Canned, fake_service

MODEL = "llama3.2:latest"
ONE = {"status": "pulling one", "digest": "sha256:one", "total": 1000}
TWO = {"status": "pulling two", "digest": "sha256:two", "total": 10}
WHOLE = [
    {"status": "pulling manifest"},
    ONE,
    {**ONE, "completed": 400},
    {**ONE, "completed": 1000},
    {**TWO, "completed": 10},
    {"status": "success"},
]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(pulling, "SAY_SECONDS", 0.0)
    stamina.set_testing(True, attempts=ATTEMPTS)
    yield
    stamina.set_testing(False)


@pytest.fixture
def table(tmp_path):
    with JobTable(tmp_path / "jobs.sqlite") as opened:
        yield opened


def around(tmp_path, url):
    return Surroundings(
        data=tmp_path,
        settings=WorkerSettings(),
        vectors_url="",
        vectors_key="",
        models_url=url,
    )


def run(table, tmp_path, *streams):
    """Run a job with a server whose pulls say *streams*; return the job and what it was asked."""
    left = list(streams)

    def pull(_):
        return Canned(b"".join(json.dumps(line).encode() + b"\n" for line in left.pop(0)))

    job = table.add(KIND, {"model": MODEL})
    with fake_service({"/api/pull": pull}) as fake:
        Worker(table, {KIND: Pulling(around(tmp_path, fake.address))}, "w").run_one()
        return table.get(job), fake.asked


def test_a_model_is_fetched_and_its_layers_are_told(table, tmp_path):
    job, asked = run(table, tmp_path, WHOLE)

    assert (State.DONE, None) == (job.state, job.error)
    assert {"model": MODEL, "bytes": 1000} == {k: job.result[k] for k in ("model", "bytes")}
    assert [
        {"digest": "sha256:one", "total": 1000, "completed": 1000},
        {"digest": "sha256:two", "total": 10, "completed": 10},
    ] == job.progress["layers"]
    assert (1010, 1010, "success") == tuple(
        job.progress[name] for name in ("total", "completed", "status")
    )
    assert {"model": MODEL, "stream": True} == json.loads(asked[0].body)


def test_a_stream_without_the_last_word_is_no_success_and_is_gone_on_with(table, tmp_path):
    job, asked = run(table, tmp_path, WHOLE[:3], [{**ONE, "completed": 400}, *WHOLE[3:]])

    assert (State.DONE, 2) == (job.state, len(asked))
    assert 1000 == job.result["bytes"]


def test_what_never_comes_to_an_end_fails(table, tmp_path):
    job, asked = run(table, tmp_path, *[WHOLE[:-1]] * ATTEMPTS)

    assert (State.FAILED, ATTEMPTS) == (job.state, len(asked))
    assert "broke off" in job.error


def test_a_model_nobody_knows_fails_at_once(table, tmp_path):
    job, asked = run(table, tmp_path, [{"error": "pull model manifest: file does not exist"}])

    assert (State.FAILED, 1) == (job.state, len(asked))
    assert "no model of this name" in job.error


def test_without_a_model_server_it_says_so(table, tmp_path):
    job = table.add(KIND, {"model": MODEL})
    Worker(table, {KIND: Pulling(around(tmp_path, None))}, "w").run_one()

    assert "no model server" in table.get(job).error


def test_a_cancelled_one_stops_in_the_middle_of_a_layer(table, tmp_path):
    job = table.add(KIND, {"model": MODEL})
    claimed = table.claim("w")
    grip = Grip(table, claimed, threading.Event())

    def pull(_):
        table.cancel(job)
        grip.renew()
        return Canned(b"".join(json.dumps(line).encode() + b"\n" for line in WHOLE))

    with fake_service({"/api/pull": pull}) as fake, pytest.raises(pulling_cancelled()):
        Pulling(around(tmp_path, fake.address))(grip)

    assert 1 == len(fake.asked)
    assert [] == table.get(job).progress["layers"]


def pulling_cancelled():
    from beast_ops.jobs.worker import CancelledError

    return CancelledError


def test_who_lost_the_job_does_not_try_again(table, tmp_path):
    table.add(KIND, {"model": MODEL})
    claimed = table.claim("w", lease_seconds=-1)
    grip = Grip(table, claimed, threading.Event())

    def pull(_):
        table.claim("other")
        grip.renew()
        return Canned(b"".join(json.dumps(line).encode() + b"\n" for line in WHOLE))

    with fake_service({"/api/pull": pull}) as fake, pytest.raises(LeaseLostError):
        Pulling(around(tmp_path, fake.address))(grip)

    assert 1 == len(fake.asked)


def test_only_what_came_over_the_line_is_counted(table):
    table.add(KIND, {"model": MODEL})
    layers = Layers(MODEL, Grip(table, table.claim("w"), threading.Event()), pulling.SYSTEM)
    layers.hear(step({**ONE, "completed": 600}))
    layers.hear(step({**ONE, "completed": 1000}))
    layers.hear(step({**TWO, "completed": 10}))

    assert 400 == layers.fetched


@pytest.mark.parametrize(("beside", "state"), [(True, State.FAILED), (False, State.DONE)])
def test_a_disk_that_is_shared_has_to_have_room(table, tmp_path, monkeypatch, beside, state):
    monkeypatch.setattr("beast_ops.models.room.RESERVE", 2**62)
    body = b"".join(json.dumps(line).encode() + b"\n" for line in WHOLE)
    job = table.add(KIND, {"model": MODEL, "beside": beside})
    (tmp_path / "jobs").mkdir()
    with fake_service({"/api/pull": Canned(body)}) as fake:
        Worker(table, {KIND: Pulling(around(tmp_path, fake.address))}, "w").run_one()

    done = table.get(job)
    assert state is done.state
    assert beside == ("no room for the model" in (done.error or ""))
