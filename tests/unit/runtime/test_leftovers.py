# SPDX-License-Identifier: Apache-2.0
import json
import os
import subprocess
import sys

import pytest

from beast_ops.clock import SYSTEM
from beast_ops.errors import CommandError
from beast_ops.place import Place
from beast_ops.runtime import identity, leftovers
from beast_ops.runtime.address import VARIABLE, socket_path
from beast_ops.runtime.identity import Identity

WAIT = "print(flush=True); import time; time.sleep(60)"
NEST = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WAIT!r}])"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT}"


@pytest.fixture
def place(tmp_path):
    (tmp_path / "run").mkdir()
    return Place(tmp_path)


@pytest.fixture
def spawn():
    begun = []

    def one(code=WAIT, **environ):
        process = subprocess.Popen([sys.executable, "-c", code], env=environ, stdout=-1)
        process.stdout.readline()
        begun.append(process)
        return Identity(process.pid, identity.started(process.pid))

    yield one
    for process in begun:
        process.kill()
        process.communicate()


def mark(place):
    return {VARIABLE: str(socket_path(place))}


def put_on_record(place, process):
    record = {"pid": process.pid, "started": process.started, "starts": 1}
    (place.run / "one.json").write_text(json.dumps(record))


def test_a_process_on_record_is_found(place, spawn):
    process = spawn()
    put_on_record(place, process)

    assert {process} == leftovers.find(place)


def test_a_process_with_the_mark_is_found_with_all_it_started(place, spawn):
    process = spawn(NEST, **mark(place))

    found = leftovers.find(place)

    assert process in found
    assert 2 == len(found)
    leftovers.end(found)
    assert set() == leftovers.find(place)


def test_what_a_keeper_started_is_no_leftover(place, spawn):
    process = spawn(**mark(place))

    assert set() == leftovers.find(place, process.pid)
    assert set() == leftovers.find(place, os.getpid())


def test_who_asks_is_no_leftover(place):
    put_on_record(place, identity.myself())

    assert set() == leftovers.find(place)


def test_a_process_of_another_installation_is_no_leftover(place, spawn, tmp_path):
    spawn(**mark(Place(tmp_path / "other")))

    assert set() == leftovers.find(place)


def test_elsewhere_only_records_tell(place, spawn, monkeypatch):
    spawn(**mark(place))
    monkeypatch.setattr(sys, "platform", "elsewhere")

    assert set() == leftovers.find(place)


def test_the_deaf_are_ended_by_force(spawn, monkeypatch):
    monkeypatch.setattr(leftovers, "TERM_SECONDS", 0.2)
    processes = [spawn(DEAF), spawn()]

    leftovers.end(processes)

    assert not any(process.lives for process in processes)


def test_what_cannot_be_ended_is_told(spawn, monkeypatch):
    monkeypatch.setattr(os, "kill", lambda *_: None)
    process = spawn()
    late = iter(range(0, 1000, 4))

    with pytest.raises(CommandError) as caught:
        leftovers.end([process], SYSTEM._replace(monotonic=lambda: next(late)))

    assert str(process.pid) == caught.value.subject


def test_a_process_that_ended_meanwhile_is_no_trouble(monkeypatch):
    def gone(*_: int) -> None:
        raise ProcessLookupError

    lives = iter([True, False])
    monkeypatch.setattr(Identity, "lives", property(lambda _: next(lives)))
    monkeypatch.setattr(os, "kill", gone)

    leftovers.end([Identity(1, "")])

    assert [] == list(lives)
