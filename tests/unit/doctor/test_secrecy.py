# SPDX-License-Identifier: Apache-2.0
import os
from dataclasses import replace

import pytest

from beast_ops.doctor import secrecy
from beast_ops.doctor.fix import fix


def told(found):
    return [(each.id, each.evidence) for each in found]


def test_whole_secrets_give_no_diagnosis(scene):
    here = scene()

    assert [] == [
        *secrecy.master(here),
        *secrecy.openness(here),
        *secrecy.versions(here),
        *secrecy.handed_over(here),
    ]


def test_a_master_key_that_is_gone_or_cut_is_found(scene, place):
    key = place.secrets / "master.key"
    key.write_bytes(b"cut")
    assert [("BEAST-D201", "it has 3 bytes instead of 32")] == told(secrecy.master(scene()))
    key.unlink()
    assert [("BEAST-D201", "it is not there")] == told(secrecy.master(scene()))
    assert [] == told(secrecy.master(scene(record=False)))
    assert [] == told(secrecy.openness(scene()))


def test_what_others_may_read_is_found_and_closed(scene, place):
    (place.secrets / "master.key").chmod(0o640)
    place.secrets.chmod(0o755)
    found = list(secrecy.openness(scene()))

    assert ["secrets has mode 0755", "secrets/master.key has mode 0640"] == [
        each.evidence for each in found
    ]
    assert ["BEAST-D202: secrets are closed to others."] == fix(place, found)
    assert [] == told(secrecy.openness(scene()))


def test_damaged_versions_are_found_once(scene, place):
    (place.secrets / "versions").write_text("what\nstore/key 2\n")

    assert ["BEAST-D203"] == [each.id for each in secrecy.versions(scene())]
    assert [] == told(secrecy.handed_over(scene()))


@pytest.mark.parametrize(("harm", "expected"), [
    (lambda path: path.unlink(), "is missing"),
    (lambda path: path.chmod(0o644), "has mode 0644 instead of 0600"),
    (lambda path: path.write_text("mine"), "was edited"),
])  # fmt: skip
def test_a_file_that_is_not_right_is_found_and_handed_over_again(scene, place, harm, expected):
    harm(place.secrets / "front" / "store_key")
    found = list(secrecy.handed_over(scene()))

    assert [("BEAST-D204", f"secrets/front/store_key {expected}")] == told(found)
    assert ["BEAST-D204: secrets were handed over again."] == fix(place, found)
    assert [] == told(secrecy.handed_over(scene()))


def test_a_file_of_another_user_is_found(scene, monkeypatch):
    here = scene()
    monkeypatch.setattr(type(here), "uid", property(lambda _: os.geteuid() + 1))

    assert 3 == len(list(secrecy.handed_over(here)))


def test_the_owner_that_the_release_says_counts(scene, monkeypatch):
    here = scene()
    here.record.owners["front"] = "4711:0"
    monkeypatch.setattr(type(here), "uid", property(lambda _: 0))

    assert "instead of 4711" in next(
        each.evidence for each in secrecy.handed_over(here) if "front" in each.subject
    )


def test_what_somebody_gave_is_not_compared(scene, place):
    here = scene()
    given = here.record.model_copy(update={"given": ("store/key",)})
    (place.secrets / "front" / "store_key").write_text("mine")
    assert [] == told(secrecy.handed_over(replace(here, record=given)))
    assert [] == told(secrecy.handed_over(scene(record=False)))
