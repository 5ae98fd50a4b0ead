# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from beast_ops.preflight import place
from beast_ops.preflight.finding import MIB
from beast_ops.preflight.place import check_disk, check_memory, check_python, check_root
from beast_ops.release import remove
from beast_ops.release.build import HASH_CHARACTERS
from tests.unit.preflight.asking import NOBODY, ids, run, wish


@pytest.mark.parametrize("least", ["3.11", "3.8", "3"])
def test_versions_are_numbers_and_not_text(least):
    wanted = tuple(int(part) for part in least.split("."))

    assert [] == list(check_python(wanted, (3, 13)))


def test_an_older_python_is_refused():
    assert ["python-too-old"] == ids(check_python((3, 11), (3, 9)))


def root_findings(root):
    return ids(check_root(root, place.nearest(root)))


def test_a_folder_of_ours_and_one_to_be_made_are_welcome(tmp_path):
    assert [] == root_findings(tmp_path)
    assert [] == root_findings(tmp_path / "a/b/c")
    assert [] == root_findings(tmp_path / "with space and ü%")


def test_a_link_to_a_folder_is_a_folder(tmp_path):
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "real").mkdir()

    assert [] == root_findings(tmp_path / "link")
    assert [] == root_findings(tmp_path / "link" / "new")


@pytest.mark.parametrize("below", ["", "/new"])
def test_a_file_in_the_way_is_refused(below, tmp_path):
    (tmp_path / "file").touch()

    assert ["root-not-a-folder"] == root_findings(Path(f"{tmp_path}/file{below}"))


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_to_nothing_or_to_itself_is_refused(target, tmp_path):
    (tmp_path / "link").symlink_to(target)

    assert ["root-not-a-folder"] == root_findings(tmp_path / "link")


@pytest.mark.parametrize("names", [["a", "b"], ["data", "notes.txt"], ["run", "venv", "Music"]])
def test_a_folder_full_of_other_things_is_refused(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir()

    assert ["root-in-use"] == root_findings(tmp_path)


@pytest.mark.parametrize(
    "names",
    [["settings.yml"], ["data/1", "secrets"], [".DS_Store", "lost+found"], ["a", "run/lease"]],
)
def test_a_folder_with_things_of_ours_is_welcome(names, tmp_path):
    for name in names:
        (tmp_path / name).mkdir(parents=True)

    assert [] == root_findings(tmp_path)


def test_what_is_ours_is_what_a_removal_takes():
    assert remove.OURS | {"lost+found"} == place.OURS
    assert remove.TRACES == place.TRACES
    assert "[0-9a-f]" * HASH_CHARACTERS == place.HASH


@pytest.mark.needs("root")
def test_a_root_of_somebody_else_is_refused_even_for_root(tmp_path):
    os.chown(tmp_path, NOBODY, NOBODY)

    assert ["root-of-another"] == root_findings(tmp_path)


@pytest.mark.needs("root")
@pytest.mark.parametrize("below", ["root", "root/new"])
def test_a_folder_one_may_not_write_is_refused(below, outside):
    answer = as_nobody(outside, outside / below, 0o755)

    assert ["root-of-another" if below == "root" else "root-not-writable"] == answer


@pytest.mark.needs("root")
@pytest.mark.parametrize("below", ["root/new", "link"])
def test_a_folder_one_may_not_even_enter_is_refused_without_a_traceback(below, outside):
    (outside / "link").symlink_to(outside / "root" / "inside")
    (outside / "root" / "inside").mkdir(parents=True)

    answer = as_nobody(outside, outside / below, 0o700)

    assert answer in (["root-not-writable"], ["root-not-a-folder"])


@pytest.fixture
def outside():
    """Return a folder that everybody may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def as_nobody(outside, asked, mode):
    """Ask as a user that owns nothing; *outside* lets it pass, `root` in it has *mode*."""
    (outside / "root").mkdir(exist_ok=True)
    (outside / "root").chmod(mode)
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    answer = run("/usr/bin/python3", wish(asked), **nobody)
    return [finding["id"] for finding in answer["blockers"]]


@pytest.mark.parametrize(
    ("free", "expected"),
    [(99, ["disk-full"]), (100, ["disk-short"]), (199, ["disk-short"]), (200, [])],
)
def test_a_disk_is_full_short_or_neither(free, expected, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=free * MIB)
    monkeypatch.setattr(place.shutil, "disk_usage", lambda _: usage)

    found = list(check_disk(tmp_path, 100))

    assert expected == ids(found)
    assert ["disk-full" == finding.id for finding in found] == [f.blocks for f in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("MemTotal: 9 kB\nMemAvailable:  1023 kB\n", ["memory-short"]),
        ("MemAvailable:  1048576 kB\n", []),
        ("MemTotal: 9 kB\n", []),
        ("MemAvailable: lots\n", []),
        ("nonsense", []),
        ("", []),
    ],
)
def test_memory_is_short_or_unknown_or_enough(text, expected, tmp_path):
    (tmp_path / "meminfo").write_text(text)

    found = list(check_memory(tmp_path / "meminfo", 1024))

    assert expected == ids(found)
    assert not any(finding.blocks for finding in found)


def test_without_proc_nothing_is_said_of_memory(tmp_path):
    assert [] == list(check_memory(tmp_path / "none", 1024))


def test_each_refusal_of_a_place_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()

    (other,) = check_root(tmp_path, tmp_path)
    (file,) = check_root(tmp_path / "file", tmp_path / "file")
    (old,) = check_python((3, 11), (3, 9))

    assert f"{tmp_path} holds other things: file." == other.message
    assert f"{tmp_path}/file is not a folder." == file.message
    assert place.ELSEWHERE == other.hint == file.hint
    assert "Choose another place: BEAST_ROOT=/some/where ./beast deploy" == place.ELSEWHERE
    assert "Python is 3.9; the stack needs 3.11 or newer." == old.message
    assert "Install a newer Python and name it in ansible_python_interpreter." == old.hint
    assert other.blocks
    assert file.blocks
    assert old.blocks


def test_of_many_other_things_only_some_are_told(tmp_path):
    for name in "abcd":
        (tmp_path / name).touch()

    (finding,) = check_root(tmp_path, tmp_path)

    assert f"{tmp_path} holds other things: a, b, c, …." == finding.message


@pytest.mark.parametrize("free", [99, 150])
def test_a_disk_that_is_too_small_says_how_much_and_what_to_do(free, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=free * MIB)
    monkeypatch.setattr(place.shutil, "disk_usage", lambda _: usage)

    (finding,) = check_disk(tmp_path, 100)

    assert f"{free} MiB are free at {tmp_path}; the stack needs 100 MiB." == finding.message
    assert f"Free some space. {place.ELSEWHERE}" == finding.hint


def test_a_disk_one_may_not_look_at_is_not_judged(tmp_path):
    assert [] == list(check_disk(tmp_path / "none", 100))


def test_too_little_memory_says_how_much_and_what_to_do(tmp_path):
    (tmp_path / "meminfo").write_text("MemAvailable: 524288 kB\n")

    (finding,) = check_memory(tmp_path / "meminfo", 1024)

    assert "512 MiB of memory are available; the stack wants 1024 MiB." == finding.message
    assert "Close other programs, or expect the stack to be slow." == finding.hint
