# SPDX-License-Identifier: Apache-2.0
"""The stack's own watcher, on a real API with a real worker behind it."""

import threading
import time

import pytest
from pydantic import ValidationError

from beast_ops.errors import DocumentError, NotDeployedError
from beast_ops.ingest.find import Manner, find
from beast_ops.place import Place
from beast_ops.watch import WatchOptions
from beast_ops.watcher.keep import Keepers
from beast_ops.watcher.settings import WatchedFolder, WatcherSettings

QUICK = WatchOptions(gather_seconds=0.05, settle_seconds=0.2, poll_seconds=0.3)
SECONDS = 20


def paths(stack, collection):
    return {each["path"].rpartition("/")[2] for each in stack.points(collection).values()}


def wait_for(what, expected):
    end = time.monotonic() + SECONDS
    while (found := what()) != expected:
        assert time.monotonic() < end, found
        time.sleep(0.1)


def test_every_declared_folder_is_kept_in_step(stack, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folders = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.md").write_text(f"The {name}.")
        folders.append(WatchedFolder(folder=str(tmp_path / name), collection=f"service-{name}"))
    (tmp_path / "secret.md").write_text("Not for everybody.")
    (tmp_path / "one" / "link.md").symlink_to("../secret.md")
    keepers = Keepers(stack.place, WatcherSettings(folders=tuple(folders)), QUICK)
    thread = threading.Thread(target=keepers.run)
    thread.start()
    try:
        for name in ("one", "two"):
            wait_for(lambda name=name: _points(stack, f"service-{name}"), {f"{name}.md"})
        (tmp_path / "two" / "two.md").rename(tmp_path / "one" / "more.md")
        wait_for(lambda: _points(stack, "service-one"), {"one.md", "more.md"})
        wait_for(lambda: _points(stack, "service-two"), set())
    finally:
        keepers.stop()
        thread.join(SECONDS)
    assert not thread.is_alive()


def _points(stack, collection):
    try:
        return paths(stack, collection)
    except KeyError:  # it is not there yet
        return None


def test_a_link_that_is_put_in_the_place_of_a_file_is_not_followed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.md").write_text("A")
    (tmp_path / "secret.md").write_text("Secret")
    (document,) = find([str(tmp_path / "in")], tmp_path / "root", Manner(inside=True)).documents
    (tmp_path / "in" / "a.md").unlink()
    (tmp_path / "in" / "a.md").symlink_to("../secret.md")

    with pytest.raises(DocumentError, match="leads out"):
        document.open()


def test_a_watcher_without_a_stack_says_so(tmp_path):
    settings = WatcherSettings(folders=(WatchedFolder(folder=str(tmp_path)),))

    with pytest.raises(NotDeployedError):
        Keepers(Place(tmp_path / "none"), settings, QUICK).run()


@pytest.mark.parametrize(
    "wrong", [{"folder": "relative"}, {"folder": "/a", "collection": "A B"}, {}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValidationError):
        WatchedFolder(**wrong)
