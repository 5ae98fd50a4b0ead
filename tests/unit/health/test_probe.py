# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
import time

import pytest

from beast_ops.health import probe
from beast_ops.jobs.table import JobTable
from beast_ops.testing import Canned, fake_service, free_port


def port(address):
    return address.rpartition(":")[2]


def test_a_path_that_answers_is_well():
    with fake_service({"/live": Canned()}) as fake:
        assert "" == probe.http(port(fake.address), "/live")


@pytest.mark.parametrize("status", [204, 404, 503])
def test_a_path_that_answers_otherwise_is_not(status):
    with fake_service({"/live": Canned(status=status)}) as fake:
        wrong = probe.http(port(fake.address), "/live")

    assert f" {status} " in wrong


def test_nobody_there_is_not_well():
    assert "does not answer" in probe.http(str(free_port()), "/live")


def test_a_process_that_hangs_is_not_well(monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.1)
    with fake_service({"/live": Canned(seconds=30)}) as fake:
        assert "does not answer" in probe.http(port(fake.address), "/live")


@pytest.fixture
def jobs(tmp_path):
    return tmp_path / "jobs.sqlite"


def test_a_worker_that_just_reported_is_well(jobs):
    with JobTable(jobs) as table:
        table.report("w")

        assert "" == probe.worker(str(jobs))


def test_a_worker_that_never_reported_is_not(jobs):
    with JobTable(jobs):
        assert "no worker reports itself" == probe.worker(str(jobs))


def test_a_worker_that_fell_silent_is_not(jobs, monkeypatch):
    with JobTable(jobs) as table:
        table.report("w")
        later = time.time() + probe.FRESH_SECONDS + 5
        monkeypatch.setattr(probe.time, "time", lambda: later)

        assert probe.worker(str(jobs)).startswith("silent for 3")


def test_no_job_table_is_not_well_and_none_is_made(jobs):
    assert "cannot be read" in probe.worker(str(jobs))
    assert not jobs.exists()


def test_as_a_program_it_needs_nothing_but_python_and_ends_with_what_it_saw():
    with fake_service({"/live": Canned(), "/bad": Canned(status=500)}) as fake:
        found = [
            subprocess.run(
                [sys.executable, "-IS", probe.__file__, "http", port(fake.address), path],
                capture_output=True,
                text=True,
                check=False,
            )
            for path in ("/live", "/bad")
        ]

    assert [0, 1] == [each.returncode for each in found]
    assert "" == found[0].stdout
    assert "500" in found[1].stdout
