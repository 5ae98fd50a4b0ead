# SPDX-License-Identifier: Apache-2.0
"""Whatever is killed, hangs or is deleted: children end, and the next apply repairs it."""

import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from beast_ops.runtime import control, leftovers
from beast_ops.runtime.address import socket_path
from beast_ops.runtime.identity import Identity, started
from beast_ops.runtime.launch import clean_environ, interpreter, supervisord_argv
from beast_ops.runtime.rpc import Supervisor

SEED = 20260102
ROUNDS = 5


def supervisord(house) -> int:
    return Supervisor(socket_path(house.place)).presence()


def identities(house) -> list[Identity]:
    pids = [supervisord(house), *(pid for pid in house.pids().values() if pid)]
    return [Identity(pid, started(pid)) for pid in pids]


@pytest.fixture
def running(house):
    house.release(house.service("one"), house.service("two"))
    control.apply(house.place)
    return house


def test_a_killed_program_is_started_again_and_counted(running, until):
    for _ in range(2):
        before = running.pids()
        os.kill(before["one"], signal.SIGKILL)
        assert until(lambda before=before: running.pids()["one"] not in (None, before["one"]))
        assert until(lambda: running.states()["one"] == "running")

    restarts = {state.name: state.restarts for state in control.status(running.place)}
    assert {"one": 2, "two": 0} == restarts


def test_children_end_with_a_killed_supervisord(running, until):
    before = identities(running)
    os.kill(before[0].pid, signal.SIGKILL)

    assert until(lambda: not any(process.lives for process in before), 5)
    assert {"one": "stopped", "two": "stopped"} == running.states()
    assert {"one", "two"} == control.apply(running.place)


def test_a_stubborn_child_of_a_killed_supervisord_is_ended_by_the_next_apply(house):
    house.release(house.service("one", "stubborn"))
    control.apply(house.place)
    old = identities(house)
    os.kill(old[0].pid, signal.SIGKILL)

    assert old[1].lives
    assert {"one"} == control.apply(house.place)
    assert not old[1].lives


def test_kills_at_random_are_repaired_by_apply(running):
    chance = random.Random(SEED)  # noqa: S311 - no secret comes of it
    print(f"seed {SEED}")
    for _ in range(ROUNDS):
        alive = identities(running)
        victims = chance.sample(alive, chance.randint(1, len(alive)))
        for victim in victims:
            os.kill(victim.pid, signal.SIGKILL)

        control.apply(running.place)

        assert {"one": "running", "two": "running"} == running.states()
        assert not any(victim.lives for victim in victims)
        assert set() == leftovers.find(running.place, supervisord(running))


def test_a_hanging_supervisord_is_replaced(running):
    before = identities(running)
    os.kill(before[0].pid, signal.SIGSTOP)

    assert {"one", "two"} == control.apply(running.place)
    assert not any(process.lives for process in before)


def test_a_lost_run_folder_is_repaired(running):
    before = identities(running)
    shutil.rmtree(running.place.run)

    assert {"one", "two"} == control.apply(running.place)
    assert not any(process.lives for process in before)


def test_a_lost_log_folder_is_repaired_by_down_and_apply(running):
    shutil.rmtree(running.place.logs)
    control.down(running.place)

    assert {"one", "two"} == control.apply(running.place)


def test_a_record_of_another_process_with_the_same_number_harms_nobody(house):
    house.release(house.service("one"))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as innocent:
        record = f'{{"pid": {innocent.pid}, "started": "another boot/1", "starts": 1}}'
        (house.place.run / "one.json").write_text(record)
        (house.place.run / "supervisord.pid").write_text(str(innocent.pid))

        control.apply(house.place)
        control.down(house.place)

        assert innocent.poll() is None


def test_a_supervisord_that_somebody_started_by_hand_is_adopted(house, until):
    house.release(house.service("one"))
    argv = supervisord_argv(house.place, interpreter(house.place))
    with subprocess.Popen(argv, cwd=house.place.root, env=clean_environ(house.place)) as byhand:
        assert until(lambda: house.states()["one"] == "running")

        assert set() == control.apply(house.place)
        assert byhand.pid == supervisord(house)

        control.down(house.place)

        assert 0 == byhand.wait(10)


def test_a_deploy_during_the_end_of_another_waits_for_it(running):
    before = identities(running)
    os.kill(before[0].pid, signal.SIGTERM)

    assert {"one", "two"} == control.apply(running.place)
    assert not any(process.lives for process in before)


def test_an_update_that_was_cut_short_is_finished_by_the_next(running):
    server = Supervisor(socket_path(running.place))
    server.stop("one")
    control.await_stopped(server, {"one"}, 10)
    server.call("removeProcessGroup", "one")

    assert {"one"} == control.apply(running.place)
    assert {"one": "running", "two": "running"} == running.states()


def test_a_program_that_waits_for_its_next_try_is_tried_at_once(house, tmp_path):
    mended = tmp_path / "mended"
    code = f"import os, time; os.path.exists({str(mended)!r}) or exit('broken'); time.sleep(99)"
    house.release(house.service("one", process=("python", "-c", code)))
    with pytest.raises(control.ServiceError, match="broken"):
        control.apply(house.place)
    mended.touch()

    assert {"one"} == control.apply(house.place)
    assert {"one": "running"} == house.states()


APPLY = """
import sys
from pathlib import Path
from beast_ops.place import Place
from beast_ops.runtime import control
control.apply(Place(Path(sys.argv[1])))
"""


def killed_applies(house, rounds):
    """Deploy again and again, kill each attempt somewhere on its way, and finish it."""
    chance = random.Random(SEED)  # noqa: S311 - no secret comes of it
    print(f"seed {SEED}")
    cut_short = 0
    for number in range(rounds):
        if chance.random() < 0.3:
            control.down(house.place)
        house.release(house.service("one", change=str(number)), house.service("two"))
        with subprocess.Popen([sys.executable, "-c", APPLY, house.place.root]) as caller:
            try:
                caller.wait(chance.uniform(0.1, 1.2))
            except subprocess.TimeoutExpired:
                caller.kill()
                cut_short += 1

        control.apply(house.place)

        assert {"one": "running", "two": "running"} == house.states()
        assert set() == leftovers.find(house.place, supervisord(house))
    assert cut_short > rounds / 2


def test_an_apply_that_is_killed_is_finished_by_the_next(house):
    killed_applies(house, 4)


@pytest.mark.long
def test_many_applies_that_are_killed_are_finished_by_the_next(house):
    killed_applies(house, 40)
