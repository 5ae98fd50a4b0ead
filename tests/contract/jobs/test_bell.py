# SPDX-License-Identifier: Apache-2.0
"""The bell on a real server: who listens looks at once, and nobody depends on it."""

import json
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from beast_ops.jobs import bell
from beast_ops.jobs.bell import Ear, Line, Ringer
from beast_ops.jobs.kinds import QUICK
from beast_ops.jobs.model import State
from beast_ops.jobs.ringing import RingingTable
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Grip, Worker
from tests.valkey_server import PASSWORD, Server

SOON = 0.15  # what nobody who only looks every LOOK_SECONDS would always reach
DEADLINE_SECONDS = 20.0
KIND = "noop"


@pytest.fixture(autouse=True)
def only_by_the_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks by itself does so late: what is quick was rung for."""
    monkeypatch.setattr(bell, "HEAR_SECONDS", 3)


def wait_for(condition: Callable[[], object], seconds: float = DEADLINE_SECONDS) -> float:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() < begun + seconds, "it did not happen in time"
        time.sleep(0.002)
    return time.monotonic() - begun


@contextmanager
def working(
    path: Path, server: Server, workers: int = 1, seconds: float = 0.0
) -> Iterator[list[Worker]]:
    """Workers that listen, each in a thread; their jobs take *seconds*."""

    def work(_: Grip) -> dict[str, object]:
        time.sleep(seconds)
        return {}

    with ExitStack() as opened:
        found, threads = [], []
        for number in range(workers):
            table = opened.enter_context(JobTable(path))
            ear = opened.enter_context(closing(Ear(server.valkey, QUICK)))
            worker = Worker(table, {KIND: work}, f"worker-{number}")
            found.append(worker)
            threads.append(threading.Thread(target=worker.run, kwargs={"ear": ear}))
        for each in threads:
            each.start()
        time.sleep(0.3)  # until all of them listen
        try:
            yield found
        finally:
            for worker in found:
                worker.stop()
            for each in threads:
                each.join()


def done(table: JobTable, *names: str) -> Callable[[], bool]:
    return lambda: all(table.get(name).state is State.DONE for name in names)


def test_who_listens_begins_at_once(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with Ringer(server.valkey) as ring, RingingTable(path, ring) as table, working(path, server):
        took = []
        for _ in range(5):
            name = table.add(KIND, {})
            took.append(wait_for(done(table, name)))

        assert max(took) < SOON


def test_what_was_held_or_failed_is_rung_for_when_it_can_run(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "jobs.sqlite"
    with Ringer(server.valkey) as ring, RingingTable(path, ring) as table, working(path, server):
        held, cancelled = (table.add(KIND, {}, held=True) for _ in range(2))
        table.cancel(cancelled)
        table.release(held)
        assert wait_for(done(table, held)) < SOON
        table.retry(cancelled)
        assert wait_for(done(table, cancelled)) < SOON


def test_many_jobs_wake_all_who_are_idle(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    with (
        Ringer(server.valkey) as ring,
        RingingTable(path, ring) as table,
        working(path, server, workers=3, seconds=1.0),
    ):
        names = [table.add(KIND, {}) for _ in range(3)]

        assert wait_for(done(table, *names)) < 2.0  # else one of them did two


def test_what_rings_is_json_and_runs_nothing(server: Server) -> None:
    with closing(Line(server.valkey, "quick")) as line, server.valkey.client() as client:
        line.ring()
        line.ring()
        told = client.hgetall("rq:job:wake-quick")

        assert [b"wake-quick"] == client.lrange("rq:queue:beast-quick", 0, -1)
        assert ["look", None, [], {}] == json.loads(zlib.decompress(told[b"data"]))
        assert 0 < client.ttl("rq:job:wake-quick") <= bell.STALE_SECONDS
        assert PASSWORD.encode() not in b"".join([*told, *told.values()])
        assert line.hears()
        assert 0 == client.exists("rq:job:wake-quick")
        line.ring()
        assert line.hears()


def test_a_bell_whose_hearer_was_killed_can_be_rung_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "STALE_SECONDS", 1)
    with closing(Line(server.valkey, "quick")) as line, server.valkey.client() as client:
        line.ring()
        client.lpop("rq:queue:beast-quick")  # as one that never went on
        line.ring()
        assert 0 == client.llen("rq:queue:beast-quick")
        time.sleep(1.2)
        line.ring()
        assert line.hears()


@pytest.mark.parametrize("how", ["killed", "silent"])
def test_without_it_jobs_are_done_all_the_same(
    server: Server, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "jobs.sqlite"
    with Ringer(server.valkey) as ring, RingingTable(path, ring) as table, working(path, server):
        (server.kill if how == "killed" else server.hold)()
        begun = time.monotonic()
        names = [table.add(KIND, {}) for _ in range(5)]
        assert time.monotonic() - begun < SOON  # nobody waits for it
        wait_for(done(table, *names))
        late = [wait_for(done(table, table.add(KIND, {}))) for _ in range(3)]

    assert max(late) < 1.0  # they look by themselves now, as often as without it
    assert "Valkey does not answer" in caplog.text
    assert PASSWORD not in caplog.text


def test_once_it_is_back_it_rings_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "AGAIN_SECONDS", 0.5)
    path = tmp_path / "jobs.sqlite"
    with Ringer(server.valkey) as ring, RingingTable(path, ring) as table, working(path, server):
        server.kill()
        wait_for(done(table, table.add(KIND, {})))
        server.start()
        time.sleep(1.0)

        assert max(wait_for(done(table, table.add(KIND, {}))) for _ in range(3)) < SOON
