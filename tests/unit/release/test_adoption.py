# SPDX-License-Identifier: Apache-2.0
"""Whenever taking over secrets is killed, the old ones hold or the new ones, never some of each."""

import os
import shutil

import pytest

from beast_ops import keys
from beast_ops.place import Place
from beast_ops.release import adoption

OLD, NEW = {keys.MASTER: b"old", keys.VERSIONS: b"{}"}, {keys.MASTER: b"new"}


class KilledError(BaseException):
    """As if the process ended here."""


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path / "root")
    for folder in (found.releases / "1-a", found.releases / "2-b", found.secrets / "ca"):
        folder.mkdir(parents=True)
    found.current.symlink_to(found.releases / "1-a")
    (found.secrets / "ca" / "ca.pem").write_bytes(b"old")
    for name, content in OLD.items():
        (found.secrets / name).write_bytes(content)
    return found


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "keys"
    (folder / "given").mkdir(parents=True)
    (folder / "given" / "token").write_bytes(b"new")
    for name, content in NEW.items():
        (folder / name).write_bytes(content)
    return folder


def held(place):
    """Return what secrets there are; a file that was being written has another name still."""
    return {
        str(path.relative_to(place.secrets)): path.read_bytes()
        for path in place.secrets.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def switch(place):
    place.current.unlink()
    place.current.symlink_to(place.releases / "2-b")


def test_what_was_adopted_stays_when_its_release_is_in_force(place, source):
    adoption.adopt(place, source)
    switch(place)

    assert not adoption.settle(place)

    assert {**NEW, "given/token": b"new"} == held(place)


def test_what_was_adopted_is_undone_when_the_release_before_is_in_force(place, source):
    before = held(place)
    adoption.adopt(place, source)

    assert adoption.settle(place)

    assert before == held(place)


@pytest.mark.parametrize("switched", [False, True])
def test_wherever_it_is_killed_the_next_one_settles_it(place, source, monkeypatch, switched):
    before, after, number = held(place), {**NEW, "given/token": b"new"}, 0
    backup = place.root.with_name("backup")
    shutil.copytree(place.root, backup, symlinks=True)
    while _killed_at(place, source, number, monkeypatch, switched=switched):
        adoption.settle(place)
        assert held(place) in (before, after), number
        assert not list(place.secrets.glob(".before*")), number
        shutil.rmtree(place.root)
        shutil.copytree(backup, place.root, symlinks=True)
        number += 1
    assert number > 10


def _killed_at(place, source, number, monkeypatch, *, switched):
    """Adopt and settle, killed at the change of that number to the disk; were there so many?"""
    left = [number]

    def counted(real):
        def act(*args, **more):
            if not left[0]:
                raise KilledError
            left[0] -= 1
            return real(*args, **more)

        return act

    with monkeypatch.context() as patch:
        for name in ("mkdir", "unlink", "rmdir", "rename", "replace"):
            patch.setattr(os, name, counted(getattr(os, name)))
        try:
            adoption.adopt(place, source)
            if switched:
                left.append(left[0])
                left[0] = 10**6
                switch(place)
                left[0] = left.pop()
            adoption.settle(place)
        except KilledError:
            return True
    return False
