# SPDX-License-Identifier: Apache-2.0
import os
import socket
from pathlib import Path

import pytest

from beast_ops.errors import PreflightError
from beast_ops.place import Place
from beast_ops.runtime import address


@pytest.fixture
def short(tmp_path, monkeypatch):
    monkeypatch.setattr(address, "SHORT", tmp_path)
    return tmp_path


def test_a_short_root_has_its_socket_inside():
    assert Path("/r/run/supervisor.sock") == address.socket_path(Place(Path("/r")))


def test_a_long_root_has_its_socket_in_a_folder_of_its_own():
    first, second = (address.socket_path(Place(Path("/r" + "ü" * 50 + end))) for end in "ab")

    assert Path("/tmp") == first.parents[1]
    assert first != second
    assert f"beast-{os.getuid()}-" in str(first)


def test_the_longest_address_can_be_bound_with_a_number_behind(tmp_path):
    room = address.LONGEST - len(os.fsencode(f"{tmp_path}//run/{address.SOCKET}"))
    path = address.socket_path(Place(tmp_path / ("x" * room)))
    path.parent.mkdir(parents=True)

    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(f"{path}.4194304")

    assert address.LONGEST == len(os.fsencode(path))
    assert Path("/tmp") == address.socket_path(Place(tmp_path / ("x" * (room + 1)))).parents[1]


def test_the_same_folder_under_two_names_has_one_address(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)

    assert address.socket_path(Place(real)) == address.socket_path(Place(tmp_path / "link"))


def test_a_folder_is_made_for_its_owner_only(short):
    path = short / "beast" / "s"

    address.ensure_folder(path)
    address.ensure_folder(path)

    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_a_folder_of_ours_that_others_may_read_is_closed(short):
    (short / "beast").mkdir(mode=0o755)

    address.ensure_folder(short / "beast" / "s")

    assert 0o700 == (short / "beast").stat().st_mode & 0o777


@pytest.mark.parametrize("trap", ["link", "file", "open", "missing"])
def test_a_folder_that_somebody_laid_out_is_refused(short, trap):
    folder = short / "beast"
    if trap == "link":
        folder.symlink_to(short)
    elif trap == "file":
        folder.touch()
    elif trap == "open":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder = short / "no" / "beast"

    with pytest.raises(PreflightError) as caught:
        address.ensure_folder(folder / "s")

    assert "shorter BEAST_ROOT" in caught.value.hint


def test_a_folder_of_another_user_is_refused(short, monkeypatch):
    (short / "beast").mkdir(mode=0o700)
    monkeypatch.setattr(os, "getuid", lambda: 4711)

    with pytest.raises(PreflightError, match="not ours alone"):
        address.ensure_folder(short / "beast" / "s")
