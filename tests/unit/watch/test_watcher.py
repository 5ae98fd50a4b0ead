# SPDX-License-Identifier: Apache-2.0
"""The watcher on real files, with the system's notices and without them."""

import os
import random
import time
from pathlib import Path

import pytest

from beast_ops.clock import Clock
from beast_ops.watch import Kind, Tree, Watcher, WatchOptions, notices
from beast_ops.watch import watcher as module
from beast_ops.watch.model import Signature, outermost, signature
from beast_ops.watch.notices import Looked, NoNoticesError, is_remote

QUICK = {"gather_seconds": 0.05, "settle_seconds": 0.2, "poll_seconds": 0.2}
WAYS = [WatchOptions(**QUICK), WatchOptions(**QUICK, poll=True)]
SECONDS = 10


@pytest.fixture(params=WAYS, ids=["told", "polled"])
def options(request):
    return request.param


@pytest.fixture
def top(tmp_path):
    folder = tmp_path / "top"
    (folder / "in").mkdir(parents=True)
    (folder / "a.md").write_text("A")
    (folder / "in" / "b.md").write_text("B")
    return folder


def seen(watcher, top, count, seconds=SECONDS):
    """Return the next *count* changes in words, with paths relative to *top*."""
    found, end = [], time.monotonic() + seconds
    while len(found) < count and time.monotonic() < end:
        found += watcher.changes(0.3)
    return [str(change).replace(f"{top}/", "") for change in found]


def test_every_kind_of_change_is_told_once(top, options):
    with Watcher([str(top)], Tree(), options) as watcher:
        (top / "c.md").write_text("C")
        assert ["created c.md"] == seen(watcher, top, 1)
        (top / "a.md").write_text("AA")
        assert ["modified a.md"] == seen(watcher, top, 1)
        (top / "c.md").rename(top / "in" / "d.md")
        assert ["moved c.md -> in/d.md"] == seen(watcher, top, 1)
        (top / "a.md").unlink()
        assert ["deleted a.md"] == seen(watcher, top, 1)
        (top / "in").rename(top / "out")
        assert ["moved in/b.md -> out/b.md", "moved in/d.md -> out/d.md"] == seen(watcher, top, 2)
        (top / "new" / "deep").mkdir(parents=True)
        (top / "new" / "deep" / "e.md").write_text("E")
        assert ["created new/deep/e.md"] == seen(watcher, top, 1)
        assert [] == seen(watcher, top, 1, seconds=1)


def test_a_folder_that_moves_in_or_out_brings_and_takes_its_files(top, options, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.md").write_text("X")
    with Watcher([str(top)], Tree(), options) as watcher:
        (tmp_path / "other").rename(top / "other")
        assert ["created other/x.md"] == seen(watcher, top, 1)
        (top / "in").rename(tmp_path / "in")
        assert ["deleted in/b.md"] == seen(watcher, top, 1)


def test_a_file_is_told_once_it_has_come_to_rest(top, options):
    with Watcher([str(top)], Tree(), options) as watcher, (top / "slow.md").open("wb") as file:
        for _ in range(10):
            file.write(b"x" * 1000)
            file.flush()
            assert [] == watcher.changes(0.1)
        assert ["created slow.md"] == seen(watcher, top, 1)
    assert 10_000 == (top / "slow.md").stat().st_size


def test_what_passes_meanwhile_is_never_told(top, options):
    with Watcher([str(top)], Tree(), options) as watcher:
        (top / "x.tmp").write_text("X")
        (top / "brief.md").write_text("X")
        watcher.changes(0.05)
        (top / "brief.md").unlink()
        os.utime(top / "a.md", ns=(1, (top / "a.md").stat().st_mtime_ns))
        (top / "a.md").chmod(0o600)

        assert [] == seen(watcher, top, 1, seconds=1)


def test_a_file_saved_by_a_rename_is_modified(top, options):
    with Watcher([str(top)], Tree(), options) as watcher:
        (top / "a.md.new").write_text("other")
        (top / "a.md.new").rename(top / "a.md")

        assert ["modified a.md"] == seen(watcher, top, 1)


def test_patterns_choose(top, options):
    with Watcher([str(top)], Tree(include=["*.md"], ignore=["in/"]), options) as watcher:
        for name in ("in/x.md", "x.txt", "x.md"):
            (top / name).write_text("X")

        assert ["created x.md"] == seen(watcher, top, 2, seconds=1.5)


def test_a_folder_that_goes_away_loses_nothing_until_it_is_back(top, options, tmp_path):
    said = []
    with Watcher([str(top)], Tree(), options, say=said.append) as watcher:
        top.rename(tmp_path / "away")
        assert [] == seen(watcher, top, 1, seconds=0.6)
        top.mkdir()  # where a disk would be mounted
        assert [] == seen(watcher, top, 1, seconds=0.6)
        top.rmdir()
        (tmp_path / "away" / "new.md").write_text("N")
        (tmp_path / "away" / "a.md").unlink()
        (tmp_path / "away").rename(top)
        assert {"created new.md", "deleted a.md"} == set(seen(watcher, top, 2))
        (top / "late.md").write_text("L")
        assert ["created late.md"] == seen(watcher, top, 1)
    assert any("is gone" in each for each in said)


def test_a_folder_that_is_not_there_yet_is_watched_once_it_is(options, tmp_path):
    with Watcher([str(tmp_path / "later")], Tree(), options) as watcher:
        assert [] == watcher.changes(0.3)
        (tmp_path / "later").mkdir()
        (tmp_path / "later" / "a.md").write_text("A")

        assert ["created a.md"] == seen(watcher, tmp_path / "later", 1)


def test_what_cannot_be_looked_at_is_kept(top, options):
    class Blind(Tree):
        def look(self, folder, path):
            sight = super().look(folder, path)
            hidden = f"{top}/in"
            files = {name: found for name, found in sight.files.items() if "/in/" not in name}
            return type(sight)(files, (hidden,)) if self.shut else sight

        shut = False

    view = Blind()
    with Watcher([str(top)], view, options) as watcher:
        view.shut = True
        (top / "a.md").unlink()
        watcher.look()

        assert ["deleted a.md"] == seen(watcher, top, 2, seconds=1)


def test_where_the_system_cannot_tell_folders_are_looked_at(top, monkeypatch):
    def none(*_):
        raise NoNoticesError("no watches are left")

    monkeypatch.setattr(module, "Told", none)
    said = []
    with Watcher([str(top)], Tree(), WAYS[0], say=said.append) as watcher:
        (top / "c.md").write_text("C")
        assert ["created c.md"] == seen(watcher, top, 1)
    assert [
        "looking every 0.2 s, for the system does not tell of changes: no watches are left"
    ] == said


def test_a_system_that_stops_telling_is_replaced_by_looking(top, monkeypatch):
    said = []
    with Watcher([str(top)], Tree(), WAYS[0], say=said.append) as watcher:

        def fail(*_):
            raise NoNoticesError("the queue broke")

        monkeypatch.setattr(watcher._notices, "wait", fail)
        (top / "c.md").write_text("C")
        assert ["created c.md"] == seen(watcher, top, 1)
    assert 1 == len(said)


def test_names_of_any_bytes_are_followed(top):
    name = os.fsdecode(b"caf\xe9.md")
    with Watcher([str(top)], Tree(), WAYS[0], say=lambda _: None) as watcher:
        (top / name).write_text("C")
        watcher.look()

        assert [f"created {name}"] == seen(watcher, top, 1)
        (top / "plain.md").write_text("P")
        assert ["created plain.md"] == seen(watcher, top, 1)


def test_what_notices_miss_is_found_by_a_look(top, monkeypatch):
    with Watcher([str(top)], Tree(), WAYS[0]) as watcher:
        told = watcher._notices.wait
        monkeypatch.setattr(watcher, "_notices", _Deaf(told))
        (top / "c.md").write_text("C")
        assert [] == seen(watcher, top, 1, seconds=0.5)
        watcher.look()
        assert ["created c.md"] == seen(watcher, top, 1)


class _Deaf:
    def __init__(self, wait):
        self._wait = wait

    def wait(self, seconds):
        self._wait(seconds)
        return set()

    def close(self):
        pass


def test_looking_happens_when_it_is_time():
    now = [0.0]
    clock = Clock(monotonic=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    looked = Looked(["/a"], 10, clock)

    assert set() == looked.wait(4)
    assert {"/a"} == looked.wait(20)
    assert 10 == now[0]
    assert set() == looked.wait(3)


def test_remote_file_systems_are_known(tmp_path):
    mounts = tmp_path / "mounts"
    line = "22 1 0:1 / {} rw shared:1 - {} x rw\n"
    share = tmp_path / "my share"
    share.mkdir()
    escaped = str(share).replace(" ", "\\040")
    mounts.write_text(line.format("/", "ext4") + line.format(escaped, "nfs4") + "odd\n")

    assert is_remote(str(share), mounts)
    assert is_remote(f"{share}/x", mounts)
    assert not is_remote(str(tmp_path), mounts)
    assert not is_remote(str(share), tmp_path / "none")
    mounts.write_text(line.format(escaped, "nfs4") + line.format(escaped, "ext4"))
    assert not is_remote(str(share), mounts)
    assert not is_remote(str(tmp_path))


def test_a_remote_folder_is_polled(top, monkeypatch):
    monkeypatch.setattr(module, "is_remote", lambda _: True)
    with Watcher([str(top)], Tree(), WAYS[0]) as watcher:
        assert isinstance(watcher._notices, notices.Looked)


def test_only_the_outermost_of_paths_remain():
    assert {"/a", "/bc"} == outermost({"/a", "/a/b", "/a/b/c", "/bc"})
    assert None is signature("/nowhere/at/all")
    assert isinstance(signature("/"), Signature)


@pytest.mark.parametrize("seed", range(6))
def test_after_any_changes_what_was_told_is_what_is_there(tmp_path, options, seed):
    """Applied to the first state, the changes that are told make the last one."""
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - sampling
    top = tmp_path / "top"
    top.mkdir()
    for _ in range(10):
        _change(top, dice)
    view = Tree()
    with Watcher([str(top)], view, options) as watcher:
        state = dict(view.look(str(top), str(top)).files)
        for _ in range(40):
            _change(top, dice)
            if dice.random() < 0.3:
                _apply(state, watcher.changes(0.05))
        end = time.monotonic() + SECONDS
        while state != (last := view.look(str(top), str(top)).files) and time.monotonic() < end:
            _apply(state, watcher.changes(0.3))
    assert last == state


def _apply(state, changes):
    for change in changes:
        if change.kind is Kind.DELETED:
            del state[change.path]
        if change.before:
            del state[change.before]
    for change in changes:
        if change.kind is not Kind.DELETED:
            assert (change.path in state) == (change.kind is Kind.MODIFIED)
            state[change.path] = signature(change.path)


def _change(top: Path, dice: random.Random) -> None:
    """Do something to the tree below *top*."""
    paths = sorted(top.rglob("*"))
    files = [path for path in paths if path.is_file()]
    folders = [top, *(path for path in paths if path.is_dir())]
    what = dice.choice(["write", "write", "rename", "rename", "delete", "folder", "shift"])
    target = dice.choice(folders) / f"{dice.choice('abcdef')}{dice.choice(['', '.md'])}"
    if what == "write" and not target.is_dir():
        target.write_text(str(dice.random()))
    elif what == "folder" and not target.exists():
        target.mkdir()
    elif what == "delete" and files:
        dice.choice(files).unlink()
    elif what == "rename" and files and not target.is_dir():
        dice.choice(files).rename(target)
    elif what == "shift" and len(folders) > 1 and not target.exists():
        moved = dice.choice(folders[1:])
        if moved not in target.parents:
            moved.rename(target)
