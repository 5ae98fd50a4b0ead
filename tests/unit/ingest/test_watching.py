# SPDX-License-Identifier: Apache-2.0
"""A collection is kept in step with folders, on a real API with a real worker behind it."""

import os
import random
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from beast_ops.clock import SYSTEM
from beast_ops.errors import NotDeployedError, UnavailableError, UsageError
from beast_ops.ingest import watching
from beast_ops.ingest.client import IngestOptions
from beast_ops.ingest.find import Manner, find, find_in
from beast_ops.ingest.ignore import Selection
from beast_ops.ingest.watching import Documents, Keeping, WatchTask, words
from beast_ops.place import Place
from beast_ops.watch import WatchOptions

QUICK = WatchOptions(gather_seconds=0.05, settle_seconds=0.2, poll_seconds=0.3)
NOWHERE = Path("/nowhere")
SECONDS = 20
SCRIPT = """
import sys
from pathlib import Path
from beast_ops.ingest.client import IngestOptions
from beast_ops.ingest.watching import Keeping, WatchTask
from beast_ops.place import Place
from beast_ops.watch import WatchOptions
root, collection, folder, poll = sys.argv[1:]
options = IngestOptions(collection, archives=True)
watch = WatchOptions(0.05, 0.2, poll == "True", 0.3)
Keeping(Place(Path(root)), WatchTask([folder], options, watch), lambda told: None).run()
"""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def top(tmp_path):
    folder = tmp_path / "top"
    (folder / "in").mkdir(parents=True)
    (folder / "a.md").write_text("Apples are red.")
    (folder / "in" / "b.md").write_text("Bananas are yellow.")
    for path in folder.rglob("*.md"):
        os.utime(path, (1, 1))  # long enough ago
    return folder


class Watched:
    """A folder that is being watched, by a thread."""

    def __init__(self, stack, top, options=None, **task):
        self.stack, self.top = stack, top
        self.collection = f"w-{uuid4().hex[:10]}"
        self.lines: list[str] = []
        self.events: list[dict] = []
        options = options or IngestOptions(self.collection)
        keeping = Keeping(
            stack.place,
            WatchTask([str(top)], options, task.pop("watch", QUICK), **task),
            self._tell,
        )
        self._stop = threading.Event()
        self._failed: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(keeping,))

    def _run(self, keeping):
        try:
            keeping.run(self._stop.is_set)
        except BaseException as failed:  # noqa: BLE001 - told at the end
            self._failed.append(failed)

    def _tell(self, told):
        self.events.append(dict(told.as_dict()))
        self.lines += [line.replace(f"{self.top}/", "") for line in words(told)]

    def wait_for(self, text):
        end = time.monotonic() + SECONDS
        while not any(text in line for line in self.lines):
            assert time.monotonic() < end, f"no {text!r} in {self.lines}"
            assert not self._failed, self._failed
            time.sleep(0.05)

    def paths(self):
        payloads = self.stack.points(self.collection).values()
        return sorted({each["path"].replace(f"{self.top}/", "") for each in payloads})

    def __enter__(self):
        self._thread.start()
        self.wait_for(" seen")
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()
        assert not self._failed, self._failed


def test_each_change_is_brought_in_and_has_its_line(stack, top):
    with Watched(stack, top) as watched:
        assert ["a.md", "in/b.md"] == watched.paths()
        (top / "c.md").write_text("Cherries are dark.")
        watched.wait_for("created c.md: 1 chunk")
        (top / "c.md").write_text("Cherries are sweet, too.")
        watched.wait_for("modified c.md: 1 chunk")
        (top / "c.md").rename(top / "d.md")
        watched.wait_for("moved c.md -> d.md: 1 chunk")
        assert ["a.md", "d.md", "in/b.md"] == watched.paths()
        (top / "d.md").unlink()
        watched.wait_for("deleted d.md")
        (top / "e.md").write_text("")
        watched.wait_for("created e.md: failed: empty")
        (top / "in").rename(top / "out")
        watched.wait_for("moved in/b.md -> out/b.md")
        assert ["a.md", "out/b.md"] == watched.paths()
    assert "reconciled" == watched.events[0]["event"]
    assert ("created", True) == (watched.events[1]["event"], watched.events[1]["ok"])
    assert not [line for line in watched.lines if "deleted c.md" in line]


def test_a_new_ignore_file_takes_out_what_it_names(stack, top):
    with Watched(stack, top) as watched:
        (top / ".beastignore").write_text("in/\n")
        watched.wait_for("deleted in/b.md")
        assert ["a.md"] == watched.paths()
        (top / ".beastignore").unlink()
        watched.wait_for("created in/b.md")


def test_an_archive_in_the_folder_is_followed(stack, top):
    collection = f"w-{uuid4().hex[:10]}"
    with Watched(stack, top, IngestOptions(collection, archives=True)) as watched:
        watched.collection = collection
        with zipfile.ZipFile(top / "x.zip", "w") as packed:
            packed.writestr("one.md", "First.")
        watched.wait_for("created x.zip")
        assert "x.zip!/one.md" in watched.paths()
        (top / "x.zip").unlink()
        watched.wait_for("deleted x.zip")
        assert ["a.md", "in/b.md"] == watched.paths(), watched.events


def test_what_a_selection_leaves_out_is_not_followed(stack, top):
    collection = f"w-{uuid4().hex[:10]}"
    options = IngestOptions(collection, selection=Selection(exclude=("in/",)))
    with Watched(stack, top, options) as watched:
        (top / "in" / "c.md").write_text("C")
        (top / "d.md").write_text("D")
        watched.wait_for("created d.md")
    assert not [line for line in watched.lines if "c.md" in line]


def test_what_is_still_being_written_waits_in_the_beginning_too(stack, top):
    (top / "fresh.md").write_text("Half")
    with Watched(stack, top) as watched:
        assert "2 documents seen" in watched.lines[0]
        watched.wait_for("created fresh.md")


def test_an_api_that_goes_away_loses_nothing(stack, top, monkeypatch):
    away = threading.Event()
    connect = watching.connect

    def maybe(place):
        if away.is_set():
            raise UnavailableError("the API does not answer", subject="the API")
        return connect(place)

    monkeypatch.setattr(watching, "connect", maybe)
    with Watched(stack, top) as watched:
        away.set()
        (top / "c.md").write_text("Cherries.")
        (top / "a.md").unlink()
        watched.wait_for("trying again in 1 s")
        away.clear()
        watched.wait_for("created c.md")
        watched.wait_for("deleted a.md")
        assert ["c.md", "in/b.md"] == watched.paths()


def test_everything_is_compared_again_from_time_to_time(stack, top):
    with Watched(stack, top, reconcile_seconds=1.0) as watched:
        stack.ingest(top / "a.md", collection="elsewhere")
        end = time.monotonic() + SECONDS
        while sum("seen" in line for line in watched.lines) < 2:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_what_cannot_begin_says_so(tmp_path, top):
    task = WatchTask([str(top)], IngestOptions(), QUICK)
    with pytest.raises(NotDeployedError):
        Keeping(Place(tmp_path / "none"), task, lambda _: None).run()
    with pytest.raises(UsageError, match="no pattern"):
        Keeping(
            Place(tmp_path),
            WatchTask([], IngestOptions(selection=Selection(include=("!",)))),
            lambda _: None,
            clock=SYSTEM,
        )


@pytest.mark.parametrize("poll", [False, True], ids=["told", "polled"])
@pytest.mark.parametrize("seed", range(2))
def test_after_any_changes_and_kills_it_equals_a_fresh_ingestion(stack, tmp_path, seed, poll):
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - sampling
    top = tmp_path / "top"
    top.mkdir()
    (top / "stays.md").write_text("An empty folder may be one where nothing is mounted.")
    collection = f"w-{uuid4().hex[:10]}"
    argv = [sys.executable, "-c", SCRIPT, str(stack.place.root), collection, str(top), str(poll)]
    for _ in range(4):
        process = subprocess.Popen(argv, cwd=Path(__file__).parents[3])
        try:
            time.sleep(dice.uniform(0.5, 3))
            for _ in range(15):
                _change(top, dice)
                if dice.random() < 0.3:
                    time.sleep(dice.uniform(0, 0.5))
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()
    process = subprocess.Popen(argv, cwd=Path(__file__).parents[3])
    try:
        for _ in range(2):
            _wait_until_equal(stack, top, collection)
            for _ in range(15):  # from here on nothing but what it is told can help it
                _change(top, dice)
        _wait_until_equal(stack, top, collection)
    finally:
        process.kill()
        process.wait()


def _wait_until_equal(stack, top, collection):
    time.sleep(1)
    fresh = f"w-{uuid4().hex[:10]}"
    results = stack.ingest(top, collection=fresh, archives=True)["results"]
    # An archive that took the name of a text cannot be read; what the text said stays, if that
    # was read in time.
    unread = {each["path"] for each in results if not each["ok"]}
    expected, end = stack.points(fresh), time.monotonic() + 2 * SECONDS
    while (found := _but(unread, stack.points(collection))) != expected:
        assert time.monotonic() < end, {each["path"] for each in found.values()} ^ {
            each["path"] for each in expected.values()
        }
        time.sleep(0.2)


def _but(paths: set[str], points):
    return {key: each for key, each in points.items() if each["path"] not in paths}


def _change(top: Path, dice: random.Random) -> None:
    """Do something to the tree below *top*."""
    paths = sorted(path for path in top.rglob("*") if path.name != "stays.md")
    files = [path for path in paths if path.is_file()]
    folders = [top, *(path for path in paths if path.is_dir())]
    name = dice.choice(["a.md", "b.txt", "c", "d.md", "node_modules", "e.tmp"])
    target = dice.choice(folders) / name
    what = dice.choice(
        ["write", "write", "write", "rename", "rename", "delete", "folder", "shift", "rules", "zip"]
    )
    if what == "write" and not target.is_dir():
        target.write_text(f"Number {dice.random()} is a number.")
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
    elif what == "rules":
        rules = target.with_name(dice.choice([".gitignore", ".beastignore"]))
        rules.write_text(dice.choice(["*.txt\n", "!a.md\n", "c/\n", "\n", "/d.md\n"]))
    elif what == "zip":
        with zipfile.ZipFile(target.with_name("x.zip"), "w") as packed:
            for number in range(dice.randrange(3)):
                packed.writestr(f"{number}.md", f"Number {dice.random()} is packed.")


@pytest.mark.parametrize("seed", range(8))
def test_a_look_at_each_path_finds_what_the_list_of_the_folder_has(tmp_path, seed):
    print(f"seed {seed}")
    dice = random.Random(seed)  # noqa: S311 - sampling
    top = tmp_path / "top"
    top.mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "x.md").write_text("X")
    for _ in range(60):
        _change(top, dice)
    folders = [top, *(path for path in top.rglob("*") if path.is_dir())]
    for number, target in enumerate([tmp_path / "far", tmp_path / "far" / "x.md", top]):
        (dice.choice(folders) / f"link{number}.md").symlink_to(target)
    (dice.choice(folders) / ".hidden").mkdir(exist_ok=True)
    for selection in (Selection(), Selection(include=("*.md",)), Selection(exclude=("c/", "d.md"))):
        manner = Manner(selection=selection, archives=True)

        def seen(found):
            return {each.path for each in (*found.documents, *found.archives)}

        whole = seen(find([str(top)], NOWHERE, manner))
        paths = [str(path) for path in top.rglob("*")]
        single = {path for path in paths if path in seen(find_in(str(top), path, NOWHERE, manner))}
        below = {path: seen(find_in(str(top), path, NOWHERE, manner)) for path in paths}

        assert whole == single == seen(find_in(str(top), str(top), NOWHERE, manner))
        for path, found in below.items():
            assert {each for each in whole if f"{each}/".startswith(f"{path}/")} == found
        assert set() == seen(find_in(str(top), f"{top}/link0.md/x.md", NOWHERE, manner))
        assert set() == seen(find_in(str(top), f"{top}/none/x.md", NOWHERE, manner))


def test_an_ignore_file_speaks_of_its_folder():
    view = Documents(NOWHERE, Manner())

    assert "/a/b" == view.reach("/a/b/.gitignore")
    assert "/" == view.reach("/.beastignore")
    assert "/a/b.md" == view.reach("/a/b.md")
