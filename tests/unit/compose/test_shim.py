# SPDX-License-Identifier: Apache-2.0
import subprocess

import pytest

from beast_ops.compose import shim
from beast_ops.place import Place


@pytest.fixture
def place(tmp_path):
    """A root with an odd name, whose Python says what it is asked and where it is."""
    found = Place(tmp_path / "a root 'of' $mine")
    program = found.root / "current/venv/bin/python"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\necho "$BEAST_ROOT: $*"\n')
    program.chmod(0o700)
    return found


@pytest.fixture
def command(tmp_path):
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin" / "beast"


def test_the_command_runs_the_verbs_of_the_release_in_force(place, command):
    shim.bring(place, command)

    told = subprocess.run([command, "status", "a b"], capture_output=True, text=True, check=True)
    assert f"{place.root}: -I -m beast_ops.cli status a b\n" == told.stdout


def test_nothing_changes_where_it_is_right(place, command):
    shim.bring(place, command)
    before = (place.root / "beast").stat().st_ino

    shim.bring(place, command)

    assert before == (place.root / "beast").stat().st_ino


def test_one_that_was_edited_is_written_anew(place, command):
    (place.root / "beast").write_text("#!/bin/sh\n")

    shim.bring(place, command)

    assert "BEAST_ROOT" in (place.root / "beast").read_text()
    assert 0o755 == (place.root / "beast").stat().st_mode & 0o777


@pytest.mark.parametrize("taken", ["file", "link", "broken link"])
def test_a_command_that_is_there_is_left_alone_and_stays(taken, place, command):
    if taken == "file":
        command.write_text("mine")
    else:
        command.symlink_to("/bin/true" if taken == "link" else "/nowhere")
    before = command.is_symlink() and command.readlink()

    shim.bring(place, command)
    shim.take_away(place, command)

    assert before == (command.is_symlink() and command.readlink())
    assert command.is_symlink() or "mine" == command.read_text()
    assert (place.root / "beast").is_file()


def test_a_host_without_the_folder_of_commands_does_without(place, tmp_path):
    shim.bring(place, tmp_path / "none/beast")

    assert not (tmp_path / "none").exists()
    assert (place.root / "beast").is_file()


def test_our_own_link_is_taken_away(place, command):
    shim.bring(place, command)
    assert command.is_symlink()

    shim.take_away(place, command)
    shim.take_away(place, command)

    assert not command.is_symlink()
