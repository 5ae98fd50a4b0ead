# SPDX-License-Identifier: Apache-2.0
import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from beast_ops import receipts
from beast_ops.api import others
from beast_ops.api.metrics import Figures
from beast_ops.api.settings import Surroundings
from beast_ops.api.states import MODELS, States
from beast_ops.clock import SYSTEM
from beast_ops.jobs.queue import Queue
from beast_ops.jobs.table import JobTable
from beast_ops.keeper import state
from beast_ops.llm.state import DOWN, Loaded, ModelState
from beast_ops.testing import Canned, fake_service, free_port

GIB = 1 << 30


def shown(states):
    """Return every figure by its name and model."""
    return {
        (sample.name.removeprefix("ai_beast_"), sample.labels.get("model")): sample.value
        for metric in states.collect()
        for sample in metric.samples
    }


@pytest.fixture
def states():
    return States()


def test_what_nobody_told_is_not_shown(states):
    assert {} == shown(states)


def test_a_model_server_shows_what_it_has_and_what_it_holds(states):
    states.models = ModelState(
        up=True,
        installed={"small": GIB, "large": 9 * GIB},
        loaded={"small": Loaded(GIB, GIB), "large": Loaded(9 * GIB, 4 * GIB)},
    )

    assert shown(states) == {
        ("model_server_up", None): 1,
        ("models_installed", None): 2,
        ("active_models", None): 2,
        ("model_size_bytes", "small"): GIB,
        ("model_size_bytes", "large"): 9 * GIB,
        ("model_vram_bytes", "small"): GIB,
        ("model_vram_bytes", "large"): 4 * GIB,
        ("model_on_cpu", "small"): 0,
        ("model_on_cpu", "large"): 1,
    }


def test_a_model_server_that_is_down_shows_only_that(states):
    states.models = DOWN

    assert {("model_server_up", None): 0} == shown(states)


def test_a_thousand_models_do_not_make_a_thousand_series(states):
    states.models = ModelState(up=True, installed={f"m{n}": 1 for n in range(1000)})
    found = shown(states)

    assert MODELS == sum(name == "model_size_bytes" for name, _ in found)
    assert 1000 == found["models_installed", None]


def test_the_queue_is_shown(states):
    states.queue = Queue(waiting=3, running=1, oldest_seconds=7.5)

    assert shown(states) == {
        ("jobs_waiting", None): 3,
        ("jobs_running", None): 1,
        ("oldest_waiting_job_seconds", None): 7.5,
    }


def test_backups_have_an_age_and_proven_restores_a_moment(states):
    now = SYSTEM.now()
    drill = datetime(2026, 5, 1, tzinfo=UTC)
    states.done = {"backup": now - timedelta(hours=2), "drill": drill, "deploy": now}
    found = shown(states)

    assert 7200 == pytest.approx(found["backup_age_seconds", None], abs=5)
    assert drill.timestamp() == found["last_verified_restore_timestamp_seconds", None]
    assert (now - timedelta(hours=2)).timestamp() == found["last_backup_timestamp_seconds", None]
    assert 3 == len(found)


def test_a_job_that_failed_is_counted():
    figures = Figures()
    for outcome in ("done", "failed", "failed"):
        figures.count_ingestion(outcome)
    text, _ = figures.text("")

    assert b"ai_beast_jobs_failed_total 2.0" in text


@pytest.fixture
def around(tmp_path):
    return Surroundings(
        root=tmp_path,
        services=tmp_path / "services.json",
        data=tmp_path / "data" / "1",
        settings=tmp_path / "settings.json",
        secrets=tmp_path / "secrets",
        vectors_url="http://127.0.0.1:1",
        vectors_key=None,
        models_url=None,
    )


def test_the_others_are_asked(states, around):
    said = {
        "/api/version": Canned({"version": "1"}),
        "/api/tags": Canned({"models": [{"name": "m", "size": 5}]}),
        "/api/ps": Canned({"models": []}),
    }
    with JobTable(around.data / "jobs" / "jobs.sqlite") as table, fake_service(said) as fake:
        table.add("k", {})
        asyncio.run(others.refresh(states, replace(around, models_url=fake.address)))

    assert ModelState(up=True, installed={"m": 5}) == states.models
    assert states.queue is not None
    assert 1 == states.queue.waiting


def test_without_a_model_server_in_the_release_nothing_is_said_of_one(states, around):
    asyncio.run(others.refresh(states, around))

    assert states.models is None
    assert states.queue is None


def test_a_model_server_nobody_reaches_is_down(states, around):
    url = f"http://127.0.0.1:{free_port()}"
    asyncio.run(others.refresh(states, replace(around, models_url=url)))

    assert DOWN == states.models


def test_a_damaged_job_table_is_no_figure(states, around):
    (around.data / "jobs").mkdir(parents=True)
    (around.data / "jobs" / "jobs.sqlite").write_text("no table" * 100)
    asyncio.run(others.refresh(states, around))

    assert states.queue is None


def test_on_the_host_receipts_tell_when_something_succeeded(states, around):
    finished = datetime(2026, 5, 1, 12, tzinfo=UTC)
    for outcome in ("done", "failed"):
        receipts.write(
            around.root / "receipts",
            receipts.Receipt(
                operation="backup",
                outcome=outcome,
                release="1-0",
                content="",
                previous=None,
                started=finished.isoformat(),
                finished=finished.isoformat(),
                seconds=1.0,
                changed=(),
                checks=(),
            ),
        )
    asyncio.run(others.refresh(states, around))

    assert {"backup": finished, receipts.BORN: finished} == states.done


def test_a_keeper_that_looked_is_told_of_and_another_is_not(states, around):
    asyncio.run(others.refresh(states, around))
    assert {} == shown(states)
    seen = datetime(2026, 5, 1, 12, tzinfo=UTC)
    state.write(around.root / "run", state.State(seen))
    asyncio.run(others.refresh(states, around))

    assert {("keeper_last_seen_timestamp_seconds", None): seen.timestamp()} == shown(states)


def test_in_a_container_without_an_agent_nobody_knows(states, around):
    asyncio.run(others.refresh(states, replace(around, inside=True)))

    assert {} == states.done
    assert states.keeper_seen is None
