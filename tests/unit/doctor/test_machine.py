# SPDX-License-Identifier: Apache-2.0
import json
import os
from types import SimpleNamespace

import pytest

from beast_ops.doctor import machine
from beast_ops.locks import take


def ids(found):
    return [each.id for each in found]


@pytest.mark.parametrize(("free", "kept", "expected"), [
    (5, 0, ["BEAST-D401"]),
    (5, 80, []),
    (50, 0, []),
])  # fmt: skip
def test_a_full_disk_is_found(scene, monkeypatch, free, kept, expected):
    usage = SimpleNamespace(free=free, total=100, used=100 - free - kept)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)

    assert expected == ids(machine.disk(scene()))


@pytest.mark.parametrize(("files", "free", "expected"), [
    (100, 5, ["BEAST-D402"]),
    (100, 50, []),
    (0, 0, []),
])  # fmt: skip
def test_a_file_system_without_inodes_is_found(scene, monkeypatch, files, free, expected):
    found = SimpleNamespace(f_files=files, f_favail=free)
    monkeypatch.setattr(machine.os, "statvfs", lambda _: found)

    assert expected == ids(machine.inodes(scene()))


def test_data_that_belongs_to_its_user_is_well(scene):
    assert [] == ids(machine.owners(scene()))


def test_nobody_knows_whose_data_is_of_a_container_without_a_user(scene):
    assert [] == ids(machine.owners(scene(runtime="compose", user=None)))


def test_data_of_another_user_is_found(scene):
    other = f"{os.geteuid() + 1}:0"

    assert ["BEAST-D403"] == ids(machine.owners(scene(runtime="compose", user=other)))


def test_what_is_young_is_not_left_over(scene, place):
    for path in (place.releases / ".2-abc", place.data / ".2", place.venv / "def"):
        path.mkdir()
        os.utime(path, (0, 0))
    young = place.releases / ".3-abc"
    young.mkdir()
    os.utime(young, (scene().clock.now().timestamp(),) * 2)

    assert ["data/.2", "releases/.2-abc", "venv/def"] == [
        each.subject for each in machine.leftovers(scene())
    ]


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"since": 1}'])
def test_a_lease_that_nobody_signed_tells_nothing(scene, place, content):
    (place.run / "lease").write_text(content)

    assert [] == ids(machine.lease(scene()))


@pytest.mark.parametrize(("since", "held", "expected"), [
    ("2026-02-28T00:00:00+00:00", True, ["BEAST-D405"]),
    ("2026-02-28T00:00:00+00:00", False, []),
    ("2026-02-28T23:59:00+00:00", True, []),
])  # fmt: skip
def test_a_lease_is_held_for_too_long_or_not(scene, place, since, held, expected):
    path = place.run / "lease"
    handle = take(path) if held else None
    path.write_text(json.dumps({"operation": "drill", "pid": 1, "host": "h", "since": since}))

    assert expected == ids(machine.lease(scene()))
    if handle is not None:
        os.close(handle)
