# SPDX-License-Identifier: Apache-2.0
"""Children are real processes here, and so are their parents, which get killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beast_ops.runtime import child, identity
from beast_ops.runtime.identity import Identity

PLATFORM = "import sys; sys.platform = {platform!r}\n"
CHILD = """
import time
from beast_ops.runtime import child
child.CHECK_SECONDS = 0.05
{act}
print("settled", flush=True)
time.sleep(60)
"""
PARENT = """
import subprocess, sys, time
started = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
started.stdout.readline()
print(started.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
@pytest.mark.parametrize("act", ["child.settle('one')", "child.end_with_parent()"])
def test_a_child_ends_with_its_killed_parent(platform, act):
    if platform == "elsewhere" and "settle" in act and not Path("/bin/ps").exists():
        pytest.skip("needs ps (Debian: procps)")
    code = PLATFORM.format(platform=platform) + CHILD.format(act=act)
    with subprocess.Popen([sys.executable, "-c", PARENT, code], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        process = Identity(pid, identity.started(pid))

        assert process.lives
        parent.kill()

        deadline = time.monotonic() + 5
        while process.lives and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not process.lives


@pytest.mark.parametrize(
    ("act", "stdin", "expected"),
    [
        ("child.end_with_parent(parent=1)", None, -signal.SIGKILL),
        ("child.end_with_parent(15, parent=1)", None, -signal.SIGTERM),
        ("child.settle('one')", "gone", -signal.SIGTERM),
    ],
)
def test_a_child_that_comes_too_late_ends_at_once(act, stdin, expected):
    ours, theirs = os.pipe()
    if stdin == "gone":
        os.close(theirs)
    done = subprocess.run(
        [sys.executable, "-c", CHILD.format(act=act)],
        env={"SUPERVISOR_ENABLED": "1"},
        stdin=ours,
        timeout=20,
        check=False,
    )
    os.close(ours)
    if stdin != "gone":
        os.close(theirs)

    assert expected == done.returncode


def recorded(root, service="one"):
    return json.loads((root / "run" / f"{service}.json").read_text())


def settled(root, times=1, **more):
    code = "from beast_ops.runtime.child import settle; " + "settle('one'); " * times
    done = subprocess.Popen(
        [
            sys.executable,
            "-c",
            code + "open(f'{__import__(\"os\").environ[\"BEAST_ROOT\"]}/x', 'w')",
        ],
        env={"BEAST_ROOT": str(root), **more},
    )
    assert 0 == done.wait(20)
    return done.pid


def test_a_child_is_on_record_for_its_owner_only(tmp_path):
    pid = settled(tmp_path)

    found = recorded(tmp_path)
    assert (pid, os.getpid(), 1) == (found["pid"], found["parent"]["pid"], found["starts"])
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert {"run": 0o700, "one.json": 0o600, "x": 0o600} == modes


def test_in_a_container_nothing_is_on_record(tmp_path):
    settled(tmp_path, BEAST_INSIDE="1")

    assert ["x"] == [path.name for path in tmp_path.rglob("*")]


def test_starts_by_the_same_parent_are_counted(tmp_path):
    pids = [settled(tmp_path, times=2) for _ in range(3)]

    record = tmp_path / "run" / "one.json"
    assert 3 == recorded(tmp_path)["starts"]
    assert 2 == child.restarts(record, pids[-1])
    assert 0 == child.restarts(record, pids[0])
    assert 0 == child.restarts(tmp_path / "none", 1)


@pytest.mark.parametrize("before", ["no json", "[]", '{"starts": 7, "parent": {"pid": 1}}'])
def test_starts_by_another_parent_are_not(tmp_path, before):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "one.json").write_text(before)

    settled(tmp_path)

    assert 1 == recorded(tmp_path)["starts"]


def test_a_record_that_cannot_be_put_in_place_leaves_nothing(tmp_path):
    (tmp_path / "one.json" / "in the way").mkdir(parents=True)

    with pytest.raises(OSError, match="directory"):
        child.record(tmp_path / "one.json")

    assert [tmp_path / "one.json"] == list(tmp_path.iterdir())


def test_without_a_root_nothing_is_recorded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = os.umask(0o022)
    try:
        # In this process: its parent must not take it along, so the signal is none at all.
        monkeypatch.setattr(child, "end_with_parent", lambda *_: None)
        child.settle("one", {})

        assert 0o077 == os.umask(0o022)
    finally:
        os.umask(before)
    assert [] == list(tmp_path.iterdir())


def test_importing_it_is_cheap():
    code = "import sys, beast_ops.runtime.child as c; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    heavy = {"pydantic", "httpx", "ctypes", "yaml", "asyncio", "rich"}
    assert set() == heavy & set(done.stdout.split())


@pytest.mark.parametrize("platform", ["linux", "elsewhere"])
def test_the_signal_is_sent_when_the_parent_is_another(monkeypatch, platform):
    # Signal 0 does nothing, to whom ever it is sent: this process asks for itself.
    parents, sent = iter([1, 1, 1, 2, 2]), []
    monkeypatch.setattr(child, "CHECK_SECONDS", 0)
    monkeypatch.setattr(os, "getppid", lambda: next(parents, 2))
    monkeypatch.setattr(os, "kill", lambda *words: sent.append(words))
    monkeypatch.setattr(sys, "platform", platform)

    child.end_with_parent(0, parent=1 if platform == "elsewhere" else 3)

    deadline = time.monotonic() + 5
    while not sent and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (os.getpid(), 0) in sent


def test_an_open_input_means_that_supervisord_is_there(monkeypatch):
    monkeypatch.setenv("SUPERVISOR_ENABLED", "1")
    ours, theirs = os.pipe()
    saved = os.dup(0)
    os.dup2(ours, 0)
    try:
        assert not child._abandoned()
        os.close(theirs)
        assert child._abandoned()
    finally:
        os.dup2(saved, 0)
        os.close(saved)
        os.close(ours)


def test_this_very_process_is_recorded_once(tmp_path, monkeypatch):
    monkeypatch.setattr(child, "end_with_parent", lambda *_: None)
    mask = os.umask(0o022)
    try:
        child.settle("one", {"BEAST_ROOT": str(tmp_path)})
        child.settle("one", {"BEAST_ROOT": str(tmp_path)})
    finally:
        os.umask(mask)

    assert (os.getpid(), 1) == (recorded(tmp_path)["pid"], recorded(tmp_path)["starts"])


@pytest.mark.parametrize(("parent", "code"), [("us", 0), ("1", -signal.SIGTERM)])
def test_a_child_ends_whose_parent_was_gone_before_it_looked(parent, code):
    said = str(os.getpid()) if parent == "us" else parent
    program = "from beast_ops.runtime.child import settle; settle('it')"
    done = subprocess.run(
        [sys.executable, "-c", program], env={"BEAST_PARENT": said}, check=False, timeout=30
    )

    assert code == done.returncode
