# SPDX-License-Identifier: Apache-2.0
"""Files below a folder, and what strangers put there to lead out of it."""

import os
import threading
import time
from pathlib import Path

import pytest

from beast_ops.errors import UsageError
from beast_ops.tasks import beneath
from beast_ops.tasks.beneath import Beneath, RefusedError, checked_folder, is_private, parts_of

TEMPORARY = ".beast-x"


@pytest.fixture
def base(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "in" / "a.md").write_text("inside")
    (tmp_path / "in" / "sub" / "b.md").write_text("deep")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret.txt").write_text("OUTSIDE")
    return tmp_path


@pytest.fixture
def inside(base):
    opened = Beneath(base / "in", (base / "in" / "root",))
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("a.md", ("a.md",)),
        ("./sub//b.md/", ("sub", "b.md")),
        ("", ()),
        (".", ()),
        ("\uff0e\uff0e/x", ("\uff0e\uff0e", "x")),  # wide dots are only a name
        ("..\\x", ("..\\x",)),
    ],
)
def test_a_path_is_its_names(path, parts):
    assert parts == parts_of(path)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "..", "a/../../b", "a\0b", "x" * 1001, "a/" * 21, "sub/.."]
)
def test_what_leads_out_is_no_path(path):
    with pytest.raises(RefusedError):
        parts_of(path)


@pytest.mark.parametrize(
    "name",
    [".env", ".ssh", "ID_RSA", "id_ed25519.pub", "tls.KEY", "a.pem", "secrets", "Secrets.yml"],
)
def test_what_is_likely_a_secret_is_private(name):
    assert is_private(name)
    assert not is_private("a.md")


def test_files_are_read_and_listed(inside):
    assert b"inside" == inside.read(["a.md"], 6)
    assert b"deep" == inside.read(["sub", "b.md"], 100)
    entries, more = inside.list([], 10)
    assert (["a.md", "sub"], [False, True]) == (
        [each.name for each in entries],
        [each.folder for each in entries],
    )
    assert not more
    assert inside.list([], 1)[1]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def refused(inside, *parts):
    with pytest.raises((RefusedError, OSError)):
        inside.read(parts, 1000)
    with pytest.raises((RefusedError, OSError)):
        inside.write(parts, b"x", TEMPORARY)


def test_links_lead_nowhere(base, inside):
    (base / "in" / "link").symlink_to(base / "out")
    (base / "in" / "file").symlink_to(base / "out" / "secret.txt")
    (base / "in" / "near").symlink_to("a.md")
    (base / "in" / "loop").symlink_to("loop")
    (base / "in" / "proc").symlink_to("/proc/self")

    for parts in (["link", "secret.txt"], ["file"], ["near"], ["loop"], ["proc", "environ"]):
        refused(inside, *parts)
    with pytest.raises(RefusedError, match="links are not followed"):
        inside.read(["link", "secret.txt"], 1000)
    assert ["a.md", "sub"] == [each.name for each in inside.list([], 10)[0]]
    assert "OUTSIDE" == (base / "out" / "secret.txt").read_text()
    assert ["secret.txt"] == names(base / "out")


def test_what_is_no_plain_file_is_not_even_opened(base, inside):
    os.mkfifo(base / "in" / "pipe")  # to open it would wait for ever
    refused(inside, "pipe")
    refused(inside, "sub")
    with pytest.raises(RefusedError, match="this is a folder"):
        inside.read(["sub"], 10)
    assert ["a.md", "sub"] == [each.name for each in inside.list([], 10)[0]]


def test_what_becomes_no_plain_file_meanwhile_is_not_read(base, inside, monkeypatch):
    os.mkfifo(base / "in" / "pipe")
    monkeypatch.setattr(beneath, "_require_plain", lambda *_: None)  # it was one just before

    with pytest.raises(RefusedError, match="no plain file"):
        inside.read(["pipe"], 10)


def test_hidden_files_and_secrets_are_left_alone(base, inside):
    for name in (".env", "tls.key"):
        (base / "in" / name).write_text("OUTSIDE")
        with pytest.raises(RefusedError, match="left alone"):
            inside.read([name], 100)
    assert ["a.md", "sub"] == [each.name for each in inside.list([], 10)[0]]


def test_devices_are_no_plain_files(base, inside, needs):
    needs("root")
    os.mknod(base / "in" / "zero", 0o20666, os.makedev(1, 5))

    refused(inside, "zero")


def test_other_file_systems_are_not_entered():
    opened = Beneath(checked_folder(beneath.Path("/usr"), ()).parent)
    try:
        with pytest.raises(RefusedError, match="left alone"):
            opened.read(["proc", "self", "environ"], 1000)
    finally:
        opened.close()


def test_the_installation_is_left_alone_wherever_it_lies(base):
    (base / "in" / "root").mkdir()
    (base / "in" / "root" / "a.md").write_text("OUTSIDE")
    opened = Beneath(base / "in", (base / "in" / "root",))
    try:
        (base / "in" / "root").rename(base / "in" / "sub" / "moved")
        with pytest.raises(RefusedError, match="left alone"):
            opened.read(["sub", "moved", "a.md"], 1000)
        with pytest.raises(RefusedError, match="left alone"):
            opened.list(["sub", "moved"], 1000)
    finally:
        opened.close()


def test_large_files_are_refused(inside):
    with pytest.raises(RefusedError, match="more than 5 bytes"):
        inside.read(["a.md"], 5)


def test_a_write_is_whole_and_keeps_the_mode(base, inside):
    (base / "in" / "a.md").chmod(0o640)
    (base / "in" / TEMPORARY).write_text("left by one who was killed")
    inside.write(["a.md"], b"new", TEMPORARY)
    inside.write(["new", "deep", "c.md"], b"c", TEMPORARY)

    assert ("new", 0o640) == (
        (base / "in" / "a.md").read_text(),
        (base / "in" / "a.md").stat().st_mode & 0o777,
    )
    assert 0o600 == (base / "in" / "new" / "deep" / "c.md").stat().st_mode & 0o777
    assert not list(base.rglob(TEMPORARY))


def test_a_file_with_two_names_is_changed_under_one_alone(base, inside):
    os.link(base / "out" / "secret.txt", base / "in" / "twin")

    inside.write(["twin"], b"new", TEMPORARY)

    assert "OUTSIDE" == (base / "out" / "secret.txt").read_text()


def test_a_write_that_fails_leaves_nothing(base, inside, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        inside.write(["c.md"], b"c", TEMPORARY)
    assert ["a.md", "sub"] == names(base / "in")


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_link_that_takes_a_place_meanwhile_leads_nowhere(base, inside, what):
    """Somebody exchanges what was just looked at for a link, again and again, while we read."""
    place = base / "in" / ("sub" if what == "folder" else "a.md")
    target = base / "out" if what == "folder" else base / "out" / "secret.txt"
    parts = ["sub", "secret.txt"] if what == "folder" else ["a.md"]
    kept, link, over = place.with_name("kept"), base / "link", threading.Event()
    (base / "in" / "sub" / "secret.txt").write_text("inside")

    def exchange():
        while not over.is_set():
            place.rename(kept)
            link.symlink_to(target)
            link.rename(place)
            place.unlink()
            kept.rename(place)
            time.sleep(0.0002)  # so that it is sometimes what it was

    thread = threading.Thread(target=exchange)
    thread.start()
    seen = set()
    try:
        for number in range(1500):
            try:
                seen.add(inside.read(parts, 100))
                if what == "file" and number % 5 == 0:
                    inside.write(parts, b"inside", TEMPORARY)
            except (RefusedError, OSError) as refused:
                seen.add(type(refused))
    finally:
        over.set()
        thread.join()

    assert b"inside" in seen
    assert len(seen) > 1
    assert b"OUTSIDE" not in seen
    assert "OUTSIDE" == (base / "out" / "secret.txt").read_text()
    assert ["secret.txt"] == names(base / "out")


@pytest.mark.parametrize("path", ["/", "/proc", "/sys", "/dev", "/proc/self", "gone", "in/a.md"])
def test_some_folders_no_task_may_have(base, path):
    with pytest.raises(UsageError):
        checked_folder(base / path, ())


def test_no_task_may_have_the_installation(base):
    (base / "link").symlink_to(base / "in" / "sub")

    for path in ("in", "in/sub", "link"):
        with pytest.raises(UsageError, match="no task may have this folder"):
            checked_folder(base / path, (base / "in",))
    assert base == checked_folder(base, (base / "in",))


def test_a_folder_that_is_gone_cannot_be_opened(base):
    with pytest.raises(UsageError, match="cannot be opened"):
        Beneath(base / "gone")


def test_a_folder_that_was_exchanged_is_not_in_place(base, inside):
    assert inside.is_in_place()
    (base / "in").rename(base / "old")
    assert not inside.is_in_place()
    (base / "in").symlink_to(base / "out")
    assert not inside.is_in_place()
    assert b"inside" == inside.read(["a.md"], 10)  # it is still the folder that was opened


def test_the_home_of_nobody_is_no_folder():
    with pytest.raises(UsageError, match="no such folder"):
        checked_folder(Path("~nobody-of-this-name/notes"), ())
