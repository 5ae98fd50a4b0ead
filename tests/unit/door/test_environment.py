# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.door.environment import LOCK, choose, mine, places
from beast_ops.errors import PreflightError


def test_there_are_two_places_and_the_one_beside_the_clone_comes_first(tmp_path):
    environ = {"HOME": "/home/me"}

    first, second = places(tmp_path, environ)

    assert first == tmp_path / ".venv"
    assert str(second).startswith("/home/me/.cache/ai-beast/")
    assert second.name == "venv"


def test_two_clones_do_not_share_a_place(tmp_path):
    environ = {"XDG_CACHE_HOME": "/cache"}

    assert places(tmp_path / "a", environ)[1] != places(tmp_path / "b", environ)[1]


def test_an_absent_an_empty_and_our_own_folder_are_ours(tmp_path):
    assert mine(tmp_path / ".venv")

    (tmp_path / ".venv").mkdir()
    assert mine(tmp_path / ".venv")

    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    assert not mine(tmp_path / ".venv")

    (tmp_path / ".venv" / LOCK).touch()
    assert mine(tmp_path / ".venv")


def test_a_folder_of_another_user_is_not_ours(tmp_path, monkeypatch):
    (tmp_path / LOCK).touch()
    monkeypatch.setattr(os, "geteuid", lambda: 123456)

    assert not mine(tmp_path)


def test_a_file_in_its_place_is_not_ours(tmp_path):
    (tmp_path / ".venv").touch()

    assert not mine(tmp_path / ".venv" / "venv")


def test_what_cannot_even_be_looked_at_is_not_ours(tmp_path):
    assert not mine(tmp_path / ("x" * 300))


def test_where_the_clone_belongs_to_somebody_the_cache_is_taken(tmp_path):
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "of somebody").touch()
    environ = {"XDG_CACHE_HOME": str(tmp_path / "cache")}

    assert choose(tmp_path, environ) == places(tmp_path, environ)[1]


def test_no_place_at_all_is_said_before_anything_changed(tmp_path):
    (tmp_path / ".venv").touch()
    environ = {"XDG_CACHE_HOME": str(tmp_path / ".venv")}

    with pytest.raises(PreflightError, match="neither the clone nor") as caught:
        choose(tmp_path, environ)

    assert "XDG_CACHE_HOME" in caught.value.hint


def test_a_path_that_python_cannot_take_is_said(tmp_path):
    with pytest.raises(PreflightError, match="line break"):
        choose(tmp_path / "a\nb", {})
