# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import stat

import pytest

from beast_ops.compose.live import bring, sweep


@pytest.fixture
def release(tmp_path):
    """A release in which two services have live files."""
    folder = tmp_path / "release"
    for path in ("eye/eye.yml", "eye/rules/a.yml", "door/routes.yml"):
        target = folder / "live" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"this is {path}")
    return folder


@pytest.fixture
def live(tmp_path):
    return tmp_path / "live"


def held(folder):
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_first_time_all_of_them_change(release, live):
    assert {"eye", "door"} == bring(release, live)
    assert held(release / "live") == held(live)


def test_the_second_time_nothing_does(release, live):
    bring(release, live)
    before = {path: path.stat().st_ino for path in live.rglob("*")}

    assert set() == bring(release, live)
    assert before == {path: path.stat().st_ino for path in live.rglob("*")}


@pytest.mark.parametrize("damage", ["edited", "gone", "a file nobody named", "a new one"])
def test_only_who_sees_something_else_changes(damage, release, live):
    bring(release, live)
    if damage == "edited":
        (release / "live/eye/rules/a.yml").write_text("other")
    elif damage == "gone":
        (release / "live/eye/rules/a.yml").unlink()
    elif damage == "a new one":
        (release / "live/eye/rules/b.yml").write_text("new")
    else:
        (live / "eye/rules/stray.yml").write_text("stray")

    assert {"eye"} == bring(release, live)
    assert held(release / "live") == held(live)


def test_what_the_host_made_stays_and_changes_nobody(release, live):
    bring(release, live)
    (live / "door/ca.crt").write_text("a certificate")

    assert set() == bring(release, live)
    assert "a certificate" == (live / "door/ca.crt").read_text()


def test_what_is_off_leaves_its_folder_once_its_container_is_gone(release, live):
    bring(release, live)
    shutil.rmtree(release / "live/door")

    bring(release, live)
    assert (live / "door/routes.yml").exists()

    sweep(live, {"eye", "other"})
    assert {"eye"} == {path.name for path in live.iterdir()}


def test_a_file_is_replaced_and_never_written_into(release, live):
    bring(release, live)
    opened = (live / "eye/eye.yml").open()
    (release / "live/eye/eye.yml").write_text("other")

    bring(release, live)

    assert "this is eye/eye.yml" == opened.read()
    opened.close()


def test_every_container_may_read_them_whatever_the_umask(release, live):
    before = os.umask(0o077)
    try:
        bring(release, live)
    finally:
        os.umask(before)

    found = {path: stat.S_IMODE(path.stat().st_mode) for path in (live, *live.rglob("*"))}
    assert {0o755} == {mode for path, mode in found.items() if path.is_dir()}
    assert {0o644} == {mode for path, mode in found.items() if path.is_file()}


def test_the_folder_of_a_service_stays_the_same_folder(release, live):
    bring(release, live)
    before = (live / "eye").stat().st_ino
    (release / "live/eye/eye.yml").write_text("other")

    bring(release, live)

    assert before == (live / "eye").stat().st_ino  # a container sees this one


def test_without_live_files_nothing_changes(tmp_path, live):
    assert set() == bring(tmp_path / "none", live)


def test_every_folder_on_the_way_is_open_to_all_containers(tmp_path):
    """Under the umask of a deploy a folder made on the way would be shut."""
    release, live = tmp_path / "release", tmp_path / "live"
    (release / "live/demo/one/two").mkdir(parents=True)
    (release / "live/demo/one/two/file.yml").write_text("x")
    before = os.umask(0o077)
    try:
        bring(release, live)
    finally:
        os.umask(before)

    modes = {path.stat().st_mode & 0o777 for path in live.rglob("*") if path.is_dir()}
    assert {0o755} == modes
