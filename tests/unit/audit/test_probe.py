# SPDX-License-Identifier: Apache-2.0
import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beast_ops.audit import probe
from beast_ops.testing import free_port
from tests.conftest import other_python

PROGRAM = Path(probe.__file__).read_text(encoding="utf-8")


def look(address, first, last, python=sys.executable, **more):
    wish = {"address": address, "first": first, "last": last, **more}
    done = subprocess.run(
        [python, "-", json.dumps(wish)],
        input=PROGRAM,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    return json.loads(done.stdout)


@pytest.fixture
def server():
    """A port that is open."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        yield opened.getsockname()[1]


def test_only_what_is_open_is_found(server):
    found = look("127.0.0.1", server - 2, server + 2)

    assert server in found["open"]
    assert 5 == found["looked"]
    assert 0 == found["silent"]


def test_a_closed_port_is_not_open():
    port = free_port()

    assert {"open": [], "silent": 0, "looked": 1} == look("127.0.0.1", port, port)


def test_who_does_not_answer_is_silent_and_waited_for_no_longer_than_said():
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)  # Linux lets nobody knock at a port whose queue is full
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(("127.0.0.1", port))
        begun = time.monotonic()
        found = look("127.0.0.1", port, port, patience=0.3)
        took = time.monotonic() - begun
        for each in waiting:
            each.close()

    assert {"open": [], "silent": 1, "looked": 1} == found
    assert 0.6 <= took < 5  # asked twice


def test_many_ports_are_looked_at_with_few_handles(server):
    first = max(1, server - 3000)
    found = look("127.0.0.1", first, server, rate=100000)

    assert server in found["open"]
    assert server - first + 1 == found["looked"]


@pytest.mark.long
def test_all_ports_of_a_host_are_looked_at_in_a_minute(server):
    begun = time.monotonic()
    found = look("127.0.0.1", 1, 65535)

    assert server in found["open"]
    assert 65535 == found["looked"]
    assert time.monotonic() - begun < 60


def test_connections_are_made_no_faster_than_said():
    begun = time.monotonic()
    look("127.0.0.1", 1, 40, rate=40)

    assert time.monotonic() - begun >= 0.9


def test_it_needs_nothing_of_ours():
    imported = re.findall(r"^(?:from|import) (\S+)", PROGRAM, re.MULTILINE)

    assert len(imported) >= 6
    assert set(imported) - {"__future__"} <= sys.stdlib_module_names


@pytest.mark.needs("other-python")
def test_it_runs_on_a_newer_python(server):
    assert [server] == look("127.0.0.1", server, server, python=other_python())["open"]
