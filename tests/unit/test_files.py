# SPDX-License-Identifier: Apache-2.0
import ctypes
import errno
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from beast_ops import files
from beast_ops.files import switch_link, sync_file_system, write_atomically


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_there_for_its_owner_alone(tmp_path):
    target = tmp_path / "a"

    write_atomically(target, b"new")

    assert b"new" == target.read_bytes()
    assert 0o600 == target.stat().st_mode & 0o777


def test_the_mode_does_not_depend_on_the_umask(tmp_path):
    before = os.umask(0o777)
    try:
        write_atomically(tmp_path / "a", b"", 0o644)
    finally:
        os.umask(before)

    assert 0o644 == (tmp_path / "a").stat().st_mode & 0o777


def test_the_mode_of_the_old_file_does_not_stay(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    target.chmod(0o666)

    write_atomically(target, b"new")

    assert 0o600 == target.stat().st_mode & 0o777


def test_a_link_is_replaced_and_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"mine")
    (tmp_path / "a").symlink_to(other)

    write_atomically(tmp_path / "a", b"new")

    assert b"mine" == other.read_bytes()
    assert not (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("step", ["fsync", "fchmod"])
def test_a_failure_leaves_the_old_content_and_no_rest(step, tmp_path, monkeypatch):
    target = tmp_path / "a"
    target.write_bytes(b"old")

    def fails(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, step, fails)

    with pytest.raises(OSError, match="No space"):
        write_atomically(target, b"new")

    assert b"old" == target.read_bytes()
    assert ["a"] == entries(tmp_path)


def test_a_folder_is_not_replaced_by_a_file(tmp_path):
    (tmp_path / "a").mkdir()

    with pytest.raises(OSError, match="a"):
        write_atomically(tmp_path / "a", b"new")

    assert ["a"] == entries(tmp_path)


def test_a_reader_never_sees_half_a_file(tmp_path):
    target = tmp_path / "a"
    contents = {b"x" * 200_000, b"y" * 100_000}
    write_atomically(target, b"x" * 200_000)
    seen, over = set(), threading.Event()

    def read():
        while not over.is_set():
            seen.add(target.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        for content in contents:
            write_atomically(target, content)
    over.set()
    reader.join()

    assert seen <= contents


def test_a_link_is_switched_by_one_rename(tmp_path):
    for name in ("1", "2"):
        (tmp_path / name).mkdir()

    switch_link(tmp_path / "current", "1")
    switch_link(tmp_path / "current", "2")

    assert "2" == str((tmp_path / "current").readlink())
    assert ["1", "2", "current"] == entries(tmp_path)


def test_what_a_crash_left_does_not_stop_the_next_switch(tmp_path):
    (tmp_path / f".current.{os.getpid()}").symlink_to("nowhere")

    switch_link(tmp_path / "current", "1")

    assert "1" == str((tmp_path / "current").readlink())


WRITER = """
import sys
from pathlib import Path
from beast_ops.files import write_atomically
target = Path(sys.argv[1])
print("ready", flush=True)
while True:
    write_atomically(target, b"x" * 100_000)
    write_atomically(target, b"y" * 100_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path):
    target = tmp_path / "a"
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE
    ) as writer:
        writer.stdout.readline()
        while not target.exists():
            time.sleep(0.001)
        time.sleep(0.05)
        writer.send_signal(signal.SIGKILL)

    assert target.read_bytes() in {b"x" * 100_000, b"y" * 100_000}


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_whole_file_system_is_made_durable(tmp_path, monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    (tmp_path / "a").write_bytes(b"new")

    sync_file_system(tmp_path)

    assert b"new" == (tmp_path / "a").read_bytes()


def test_a_file_system_that_did_not_take_everything_is_told(tmp_path, monkeypatch):
    class Full:
        def __init__(self, *_, **__):
            ctypes.set_errno(errno.EIO)

        def syncfs(self, _handle):
            return -1

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", Full)

    with pytest.raises(OSError, match="cannot be made durable") as caught:
        sync_file_system(tmp_path)

    assert errno.EIO == caught.value.errno
