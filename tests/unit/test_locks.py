# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys

import pytest

from beast_ops.clock import Clock
from beast_ops.locks import AGAIN_SECONDS, take, wait

HOLD = """
import pathlib, sys, time
from beast_ops.locks import take
print(take(pathlib.Path(sys.argv[1])) is not None, flush=True)
time.sleep(60)
"""


@pytest.fixture(params=[False, True], ids=["file", "folder"])
def folder(request):
    return request.param


def test_one_has_it_and_then_the_next(tmp_path, folder):
    path = tmp_path / "a" / "lock"
    handle = take(path, folder=folder)

    assert handle is not None
    assert take(path, folder=folder) is None
    assert folder == path.is_dir()

    os.close(handle)
    again = take(path, folder=folder)
    assert again is not None
    os.close(again)


def test_only_its_owner_may_read_it(tmp_path):
    os.close(take(tmp_path / "lock"))

    assert 0o600 == (tmp_path / "lock").stat().st_mode & 0o777


def test_who_is_killed_lets_go(tmp_path):
    path = tmp_path / "lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE) as holder:
        assert b"True\n" == holder.stdout.readline()
        assert take(path) is None
        holder.kill()
        holder.wait()

    handle = take(path)
    assert handle is not None
    os.close(handle)


def test_waiting_ends(tmp_path):
    slept = []
    times = iter(range(100))
    held = take(tmp_path / "lock")

    clock = Clock(monotonic=lambda: next(times), sleep=slept.append)

    assert wait(tmp_path / "lock", 3, clock=clock) is None
    assert [AGAIN_SECONDS] * 2 == slept
    os.close(held)


def test_who_waits_has_it_once_it_is_free(tmp_path):
    held = take(tmp_path / "lock")
    clock = Clock(sleep=lambda _: os.close(held))

    handle = wait(tmp_path / "lock", 60, clock=clock)

    assert handle is not None
    os.close(handle)


def test_what_was_removed_meanwhile_is_made_anew(tmp_path, folder):
    """Else two would hold it: one the file that is gone, one the file that came after."""
    path = tmp_path / "lock"
    held = take(path, folder=folder)

    def remove_and_let_go(_):
        path.rmdir() if folder else path.unlink()
        os.close(held)

    handle = wait(path, 60, folder=folder, clock=Clock(sleep=remove_and_let_go))

    assert os.path.samestat(os.fstat(handle), path.stat())
    assert take(path, folder=folder) is None
    os.close(handle)


@pytest.mark.parametrize("after", [True, False])
def test_what_is_removed_just_before_it_is_locked_is_not_held(tmp_path, monkeypatch, after):
    import fcntl

    real, removals = fcntl.flock, iter([True])

    def flock(handle, how):
        if next(removals, False):
            (tmp_path / "lock").unlink()
            if after:
                (tmp_path / "lock").touch()  # somebody else's
        real(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)

    handle = take(tmp_path / "lock")

    assert os.path.samestat(os.fstat(handle), (tmp_path / "lock").stat())
    os.close(handle)
