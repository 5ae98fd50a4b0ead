# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.doctor import bundle, examine, fix, table
from beast_ops.door import doctor
from beast_ops.place import Place


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A place at which the doctor finds what `found` holds, until it is mended."""
    found = Place(tmp_path)
    monkeypatch.setattr(examine, "examine", lambda _: list(FOUND))
    monkeypatch.setattr(fix, "fix", lambda _, known: [FOUND.pop().id for _ in known])
    FOUND.clear()
    return found


FOUND = []


def test_a_healthy_place_ends_with_0(place, capsys):
    assert 0 == doctor.doctor(place, mend=True, json=False)
    assert "Nothing is wrong.\n" == capsys.readouterr().out


@pytest.mark.parametrize(("check", "code"), [(table.DISK, 1), (table.BACKUP, 0)])
def test_problems_end_with_1_and_warnings_with_0(place, capsys, check, code):
    FOUND.append(check.found("look here"))

    assert code == doctor.doctor(place, mend=False, json=False)
    out = capsys.readouterr().out
    assert out.startswith(f"{check.id} {check.severity}: {check.title}\n")
    for said in ("look here", check.cause, check.next_step):
        assert said in out


def test_what_was_mended_is_said_and_looked_at_again(place, capsys):
    FOUND.append(table.STOPPED.found("front is stopped"))

    assert 0 == doctor.doctor(place, mend=True, json=False)
    assert "Mended BEAST-D301\nNothing is wrong.\n" == capsys.readouterr().out


def test_machines_read_one_document(place, capsys):
    FOUND.append(table.DISK.found("full"))

    assert 1 == doctor.doctor(place, mend=False, json=True)
    (found,) = json.loads(capsys.readouterr().out)["diagnoses"]
    assert ("BEAST-D401", "full", False) == (found["id"], found["evidence"], found["fixable"])


@pytest.mark.parametrize("to", ["", "here.tar.gz"])
def test_a_bundle_says_what_is_inside_and_to_look_at_it(place, capsys, monkeypatch, to):
    asked = []

    def write(_place, target):
        asked.append(target.name)
        return ["doctor.json"]

    monkeypatch.setattr(bundle, "write", write)
    doctor.support_bundle(place, to)

    out = capsys.readouterr().out
    assert out.startswith("  doctor.json\nWritten to /")
    assert "Look at it before you send it" in out
    assert asked[0].endswith(".tar.gz")
    assert asked[0].startswith(to or "beast-support-")
