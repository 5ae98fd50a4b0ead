# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

from beast_ops import locks
from beast_ops.clock import SYSTEM
from beast_ops.errors import BusyError
from beast_ops.place import Place
from beast_ops.runtime import lock

HOLD = """
import sys, pathlib, time
from beast_ops.place import Place
from beast_ops.runtime.lock import held
with held(Place(pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_hand_waits_and_then_gives_up(tmp_path):
    late = iter(range(0, 10_000, 50))
    slept = []
    clock = SYSTEM._replace(monotonic=lambda: next(late), sleep=slept.append)

    with (
        lock.held(Place(tmp_path)),
        pytest.raises(BusyError) as caught,
        lock.held(Place(tmp_path), clock),
    ):
        pass

    assert str(tmp_path) == caught.value.subject
    assert [locks.AGAIN_SECONDS] * 2 == slept


def test_the_lock_of_a_killed_holder_is_free(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert locks.take(tmp_path / "run" / lock.LOCK) is None
        holder.kill()
        holder.wait()

    with lock.held(Place(tmp_path)):
        assert 0o600 == (tmp_path / "run" / lock.LOCK).stat().st_mode & 0o777
