# SPDX-License-Identifier: Apache-2.0
"""The API and a real Valkey: it wakes workers, and hears of what happens elsewhere."""

import time
from contextlib import closing
from dataclasses import replace

import pytest

from beast_ops import http
from beast_ops.api import together
from beast_ops.api.app import build
from beast_ops.events.publisher import Publisher
from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.bell import Line
from beast_ops.jobs.table import JobTable
from beast_ops.testing import serving

DEADLINE_SECONDS = 10.0


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(together, "RECONCILE_SECONDS", 0.2)


@pytest.fixture
def client(stack, tmp_path, server):
    around = replace(
        stack.around,
        data=tmp_path / "data",
        queue_url=f"redis://127.0.0.1:{server.port}",
        queue_key=server.key,
    )
    headers = {"authorization": "Bearer the-token"}
    with serving(build(around)) as address, http.client(address, headers=headers) as opened:
        yield opened


def test_a_job_that_can_run_rings_for_its_lane(client, server):
    with closing(Line(server.valkey, "long")) as long, closing(Line(server.valkey, "quick")) as q:
        wish = {"what": "fill", "embedder": "hash"}
        assert 202 == client.post("/collections/docs/reembed", json=wish).status_code

        assert long.hears()
        assert not q.hears()


@pytest.mark.usefixtures("client")
def test_what_could_run_and_does_not_is_rung_for_again(server, tmp_path):
    with (
        JobTable(jobs_file(tmp_path / "data")) as table,
        closing(Line(server.valkey, "quick")) as line,
    ):
        table.add("noop", {})  # as if the bell that was rung for it had been lost
        assert line.hears()


def test_what_happens_elsewhere_is_told_here(client, server, tmp_path):
    with Publisher(tmp_path / "elsewhere.sqlite", "elsewhere", server.valkey) as events:
        events.publish("model.updated", model="m")
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := client.get("/events?names=model").json()["events"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert [("model.updated", "elsewhere")] == [(each["name"], each["source"]) for each in found]
