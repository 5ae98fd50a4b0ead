# SPDX-License-Identifier: Apache-2.0
"""The worker process, run in this one."""

import os
import signal
import threading
import time

import pytest

from beast_ops.jobs import __main__ as worker
from beast_ops.jobs.table import JobTable
from beast_ops.runtime import stay


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    """Leave signals and umask of the tests as they are."""
    monkeypatch.setattr(stay, "settle", lambda _: None)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_is_missing_is_told_in_one_line(monkeypatch, capsys):
    monkeypatch.delenv("BEAST_DATA", raising=False)

    assert 64 == worker.main()
    assert "BEAST_DATA" in capsys.readouterr().err


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A worker's surroundings, with nothing in them yet."""
    (tmp_path / "settings.json").write_text("{}")
    (tmp_path / "key").write_text("k")
    for name, value in {
        "DATA": tmp_path,
        "CONFIG": tmp_path,
        "VECTORS_URL": "http://127.0.0.1:1",
        "VECTORS_KEY_FILE": tmp_path / "key",
    }.items():
        monkeypatch.setenv(f"BEAST_{name}", str(value))
    return tmp_path


def test_a_damaged_job_table_is_told_with_what_to_do(place, capsys):
    table = place / "jobs" / "jobs.sqlite"
    table.parent.mkdir()
    table.write_bytes(b"not a database, for sure" * 100)

    assert 1 == worker.main()
    assert f"({table}). Stop the stack, and restore" in capsys.readouterr().err


def test_it_works_until_it_is_told_to_end(place):
    with JobTable(place / "jobs" / "jobs.sqlite") as table:
        job = table.add("dance", {})

        def end():
            while table.get(job).error is None:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)

        ending = threading.Thread(target=end)
        ending.start()
        code = worker.main()
        ending.join()

        assert 0 == code
        assert "dance" in table.get(job).error
