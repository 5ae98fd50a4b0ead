# SPDX-License-Identifier: Apache-2.0
import time

from beast_ops.doctor import examine as examining
from beast_ops.doctor import table
from beast_ops.errors import BeastError
from beast_ops.place import Place


def finds(_scene):
    yield table.DISK.found("full")


def refuses(_scene):
    raise BeastError("not today", hint="Try tomorrow.")
    yield


def breaks(_scene):
    raise RuntimeError("a secret")
    yield


def hangs(_scene):
    time.sleep(5)
    yield


def test_what_fails_is_a_diagnosis_and_the_others_go_on(tmp_path):
    looks = (refuses, breaks, hangs, finds)
    *failed, found = examining.examine(Place(tmp_path), looks=looks, seconds=0.2)

    assert "BEAST-D401" == found.id
    assert {"BEAST-D001"} == {each.id for each in failed}
    refused, broken, late = (each.evidence for each in failed)
    assert refused == "test_examine.refuses: not today. Try tomorrow."
    assert broken.startswith("test_examine.breaks: RuntimeError at test_examine.py:")
    assert late == "test_examine.hangs took longer than 0.2 s"


def test_every_look_is_made_where_nothing_is(tmp_path):
    found = examining.examine(Place(tmp_path / "nothing"))

    assert {"BEAST-D101"} == {each.id for each in found} - {"BEAST-D401", "BEAST-D402"}
