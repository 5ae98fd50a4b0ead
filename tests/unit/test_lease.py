# SPDX-License-Identifier: Apache-2.0
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest

from beast_ops.clock import Clock
from beast_ops.errors import BusyError
from beast_ops.lease import lease

HOLDER = """
import sys, time
from pathlib import Path
from beast_ops.lease import lease
with lease(Path(sys.argv[1]), "drill"):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def holder(folder):
    """Another process that holds the lease in *folder*."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE
    ) as process:
        assert b"held\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_the_folder_is_made_for_its_owner_alone(tmp_path):
    with lease(tmp_path / "run", "deploy"):
        assert 0o700 == (tmp_path / "run").stat().st_mode & 0o777
        assert 0o600 == (tmp_path / "run/lease").stat().st_mode & 0o777


def test_one_after_the_other_may_hold_it(tmp_path):
    for _ in range(3):
        with lease(tmp_path, "deploy"):
            pass


def test_a_failure_lets_it_go(tmp_path):
    with pytest.raises(ZeroDivisionError), lease(tmp_path, "deploy"):
        raise ZeroDivisionError

    with lease(tmp_path, "deploy"):
        pass


def test_it_says_who_holds_it(tmp_path):
    with lease(tmp_path, "deploy"):
        owner = json.loads((tmp_path / "lease").read_text())

    assert ["deploy", os.getpid()] == [owner["operation"], owner["pid"]]


def test_another_process_is_told_who_holds_it(tmp_path):
    with (
        holder(tmp_path) as other,
        pytest.raises(BusyError, match=f"drill, process {other.pid} on ") as caught,
        lease(tmp_path, "deploy"),
    ):
        pass

    assert 75 == caught.value.exit_code
    assert "type the same command again" in caught.value.hint


def test_two_threads_of_one_process_exclude_each_other(tmp_path):
    with lease(tmp_path, "deploy"), pytest.raises(BusyError), lease(tmp_path, "deploy"):
        pass


def test_a_killed_holder_holds_nothing(tmp_path):
    with holder(tmp_path) as other:
        other.send_signal(signal.SIGKILL)
        other.wait()

        with lease(tmp_path, "deploy"):
            pass


def test_a_child_that_outlives_its_holder_does_not_hold_it(tmp_path):
    script = HOLDER.replace(
        'print("held"', 'import subprocess; p = subprocess.Popen(["sleep", "60"]); print(p.pid'
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        child = int(process.stdout.readline())
        process.kill()
    try:
        with lease(tmp_path, "deploy"):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def test_waiting_ends_when_the_other_is_done(tmp_path):
    with holder(tmp_path) as other:
        threading.Timer(0.1, other.kill).start()

        with lease(tmp_path, "deploy", wait=20):
            pass


def test_waiting_ends_when_time_is_up(tmp_path):
    times = iter(range(100))
    naps = []
    clock = Clock(monotonic=lambda: next(times), sleep=naps.append)

    with (
        lease(tmp_path, "drill"),
        pytest.raises(BusyError),
        lease(tmp_path, "deploy", wait=5, clock=clock),
    ):
        pass

    assert 4 == len(naps)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"x"', "\x00", "null"])
def test_a_holder_without_a_name_is_a_holder(text, tmp_path):
    with lease(tmp_path, "drill"):
        (tmp_path / "lease").write_text(text)
        with pytest.raises(BusyError, match="not said its name"), lease(tmp_path, "deploy"):
            pass


def test_a_long_name_of_before_leaves_no_rest(tmp_path):
    with lease(tmp_path, "x" * 2000):
        pass
    with lease(tmp_path, "deploy"):
        assert "deploy" == json.loads((tmp_path / "lease").read_text())["operation"]


def test_who_waited_for_a_removal_does_not_hold_a_file_that_is_gone(tmp_path):
    """A lock on a deleted file excludes nobody: two operations would run at once."""
    run = tmp_path / "run"
    removed = threading.Event()

    def remove_then_sleep(_seconds):
        if not removed.is_set():
            removed.set()
            shutil.rmtree(run)
            removal.__exit__(None, None, None)

    removal = lease(run, "remove")
    removal.__enter__()
    clock = Clock(sleep=remove_then_sleep)

    with lease(run, "deploy", wait=20, clock=clock):
        assert removed.is_set()
        with pytest.raises(BusyError, match="deploy"), lease(run, "drill"):
            pass


def test_a_file_that_is_removed_before_it_is_locked_is_made_anew(tmp_path, monkeypatch):
    real, removals = fcntl.flock, iter([True])

    def flock(handle, how):
        if next(removals, False):
            (tmp_path / "lease").unlink()
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)

    with lease(tmp_path, "deploy"), pytest.raises(BusyError, match="deploy"), lease(tmp_path, "x"):
        pass
