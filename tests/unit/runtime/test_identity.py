# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beast_ops.runtime import identity
from beast_ops.runtime.identity import Identity

NOBODY = 2**22 + 1  # beyond the largest process number of Linux


@pytest.fixture(params=["linux", "elsewhere"])
def system(request, monkeypatch):
    if request.param == "elsewhere":
        if not Path("/bin/ps").exists():
            pytest.skip("needs ps (Debian: procps)")
        monkeypatch.setattr(sys, "platform", "elsewhere")
    return request.param


@pytest.fixture
def other():
    code = "print(flush=True); import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()  # until then /proc knows of no command
        yield process
        process.kill()


@pytest.mark.usefixtures("system")
def test_a_process_is_itself_until_it_ends(other):
    process = Identity(other.pid, identity.started(other.pid))

    assert process.lives
    other.kill()
    other.wait()
    assert not process.lives


@pytest.mark.usefixtures("system")
def test_another_process_with_the_same_number_is_another(other):
    assert not Identity(other.pid, "earlier").lives


def test_a_zombie_does_not_live(other):
    process = Identity(other.pid, identity.started(other.pid))
    other.kill()
    deadline = time.monotonic() + 5
    while process.lives and time.monotonic() < deadline:
        time.sleep(0.01)

    assert not process.lives
    assert identity.stat(other.pid)


def test_two_processes_started_apart_differ(other):
    assert identity.started(os.getpid()) != identity.started(other.pid)


@pytest.mark.usefixtures("system")
def test_a_parent_is_known(other):
    assert os.getpid() == identity.parent(other.pid)


@pytest.mark.usefixtures("system")
def test_a_command_is_known_by_its_first_word(other):
    assert identity.runs(other.pid, sys.executable)
    assert not identity.runs(other.pid, sys.executable[:-1])


@pytest.mark.usefixtures("system")
def test_nobody_is_nothing():
    assert identity.started(NOBODY) is None
    assert 0 == identity.parent(NOBODY)
    assert not identity.runs(NOBODY, sys.executable)


def test_a_name_with_parentheses_does_not_confuse(tmp_path):
    program = tmp_path / "a) S 1 (b"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "9"]) as process:
        assert os.getpid() == identity.parent(process.pid)
        process.kill()


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "[]",
        "{}",
        '{"pid": "x", "started": 1, "starts": 1}',
        '{"pid": 1, "started": "1"}',
        "\xff",
    ],
)
def test_a_record_that_holds_no_process_is_none(tmp_path, content):
    path = tmp_path / "one.json"
    if content is not None:
        path.write_text(content)

    assert identity.read(path) is None


def test_this_process_knows_itself():
    assert os.getpid() == identity.myself().pid
    assert identity.myself().lives
