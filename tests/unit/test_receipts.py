# SPDX-License-Identifier: Apache-2.0
import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beast_ops import receipts
from beast_ops.clock import Clock
from beast_ops.receipts import Receipt

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_receipt(release="1-a", outcome="proven", **said):
    plain = {
        "operation": "deploy",
        "outcome": outcome,
        "release": release,
        "content": "a",
        "previous": None,
        "started": "2026-01-01T00:00:00+00:00",
        "finished": "2026-01-01T00:00:01+00:00",
        "seconds": 1.0,
        "changed": ("qdrant",),
        "checks": ({"name": "qdrant", "status": "healthy"},),
    }
    return Receipt(**{**plain, **said})


def at(*moments):
    rest = iter(moments)
    return Clock(now=lambda: next(rest))


def test_a_receipt_comes_back_as_it_was_written(tmp_path):
    written = a_receipt(message="ü 😀\n")

    receipts.write(tmp_path / "receipts", written)

    assert [written] == list(receipts.read_all(tmp_path / "receipts"))


def test_its_file_tells_when_and_what_and_is_for_its_owner(tmp_path):
    path = receipts.write(tmp_path / "r", a_receipt(), at(NOON))

    assert "20260101T120000.000000Z-deploy.json" == path.name
    assert 0o600 == path.stat().st_mode & 0o777
    assert 0o700 == path.parent.stat().st_mode & 0o777


def test_people_may_read_it_too(tmp_path):
    text = receipts.write(tmp_path, a_receipt(message="größer")).read_text(encoding="utf-8")

    assert "größer" in text
    assert len(text.splitlines()) > 10


def test_the_newest_is_first(tmp_path):
    for number in range(3):
        receipts.write(tmp_path, a_receipt(f"{number}-a"), at(NOON + timedelta(seconds=number)))

    assert ["2-a", "1-a", "0-a"] == [found.release for found in receipts.read_all(tmp_path)]


@pytest.mark.parametrize("step", [0, -1, -3600 * 24 * 400])
def test_the_last_word_stays_the_last_even_if_the_clock_stands_or_goes_back(step, tmp_path):
    for number, outcome in enumerate(("proven", "proven", "failed")):
        moment = NOON + timedelta(seconds=number * step)
        receipts.write(tmp_path, a_receipt(outcome=outcome), at(moment))

    assert 3 == len(list(receipts.read_all(tmp_path)))
    assert not receipts.is_proven(tmp_path, "1-a")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], False),
        ([("1-a", "proven")], True),
        ([("1-a", "failed")], False),
        ([("1-a", "proven"), ("1-a", "failed")], False),
        ([("1-a", "failed"), ("1-a", "proven")], True),
        ([("1-a", "proven"), ("2-b", "rolled back")], True),
        ([("11-a", "proven")], False),
        ([("1-a", "rolled back")], False),
        ([("1-a", "done")], False),
    ],
)
def test_only_the_last_word_about_a_release_proves_it(words, expected, tmp_path):
    for number, (release, outcome) in enumerate(words):
        receipts.write(tmp_path, a_receipt(release, outcome), at(NOON + timedelta(minutes=number)))

    assert expected == receipts.is_proven(tmp_path, "1-a")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff", b'{"version": 1}'],
)
def test_a_file_that_is_no_receipt_is_passed_over(content, tmp_path):
    receipts.write(tmp_path, a_receipt(), at(NOON))
    (tmp_path / "99990101T000000.000000Z-deploy.json").write_bytes(content)
    (tmp_path / "zz.json").mkdir()

    assert receipts.is_proven(tmp_path, "1-a")


def test_what_proves_nothing_is_no_reason_to_write_nothing(tmp_path):
    (tmp_path / "zz-strange.json").write_text("{}")

    receipts.write(tmp_path, a_receipt())

    assert 1 == len(list(receipts.read_all(tmp_path)))


def test_a_receipt_of_another_version_is_passed_over(tmp_path):
    found = {**a_receipt().model_dump(mode="json"), "version": 2, "more": 1}
    (tmp_path / "20260101T120000.000000Z-deploy.json").write_text(json.dumps(found))

    assert [] == list(receipts.read_all(tmp_path))


def test_no_folder_holds_no_receipts(tmp_path):
    assert [] == list(receipts.read_all(tmp_path / "none"))


@settings(
    max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(message=st.text(), changed=st.lists(st.text(), max_size=3))
def test_whatever_a_receipt_says_comes_back(message, changed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("receipts")
    written = a_receipt(message=message, changed=tuple(changed))

    receipts.write(folder, written)

    assert [written] == list(receipts.read_all(folder))


def test_the_proven_are_told_newest_first(tmp_path):
    said = [("1-a", "proven"), ("2-b", "proven"), ("3-c", "proven"), ("2-b", "failed")]
    for release, outcome in said:
        receipts.write(tmp_path, a_receipt(release, outcome))

    assert ["3-c", "1-a"] == list(receipts.newest_proven(tmp_path))


def test_the_newest_receipts_stay_and_the_last_words_on_releases(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "KEPT", 3)  # one of them is no receipt
    said = [
        ("1-a", "proven"),  # the newest word on it, and its newest proof
        ("2-b", "proven"),
        ("2-b", "proven"),  # its newest proof
        ("2-b", "failed"),
        ("2-b", "failed"),  # the newest word on it
        ("3-c", "proven"),  # of a release that is gone
        ("4-d", "failed"),
        ("4-d", "proven"),
    ]
    for release, outcome in said:
        receipts.write(tmp_path, a_receipt(release, outcome))
    (tmp_path / "zz-strange.json").write_text("{}")

    receipts.prune(tmp_path, {"1-a", "2-b", "4-d"})

    expected = [said[7], said[6], said[4], said[2], said[0]]
    assert expected == [(each.release, each.outcome) for each in receipts.read_all(tmp_path)]
    assert (tmp_path / "zz-strange.json").exists()


@pytest.mark.parametrize("operation", ["backup", "drill", "verify"])
@pytest.mark.parametrize("outcome", ["done", "failed", "proven"])
def test_what_is_done_with_the_data_of_a_release_says_nothing_about_the_release(
    operation, outcome, tmp_path, monkeypatch
):
    monkeypatch.setattr(receipts, "KEPT", 1)
    receipts.write(tmp_path, a_receipt("1-a"))
    receipts.write(tmp_path, a_receipt("2-b", "failed"))
    for release in ("1-a", "2-b"):
        receipts.write(tmp_path, a_receipt(release, outcome, operation=operation))

    receipts.prune(tmp_path, {"1-a", "2-b"})

    assert ["1-a"] == list(receipts.newest_proven(tmp_path))
    assert receipts.is_proven(tmp_path, "1-a")
    assert not receipts.is_proven(tmp_path, "2-b")


def test_few_receipts_all_stay(tmp_path):
    receipts.write(tmp_path, a_receipt())

    receipts.prune(tmp_path, set())

    assert 1 == len(list(receipts.read_all(tmp_path)))


def test_says_who_does_it_even_without_a_name(monkeypatch):
    def nobody(_):
        raise KeyError

    monkeypatch.setenv("SUDO_USER", "ada")
    assert receipts.author().startswith("ada@")

    monkeypatch.delenv("SUDO_USER")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    assert receipts.author().startswith(f"{os.getuid()}@")


def test_the_newest_evaluation_of_each_collection_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts, "KEPT", 1)
    said = [("docs", "hybrid"), ("notes", "hybrid"), ("notes", "dense"), ("notes", "hybrid")]
    for collection, asked in said:
        details = {"collection": collection, "asked": asked}
        receipts.write(tmp_path, a_receipt(outcome="done", operation="eval", details=details))

    receipts.prune(tmp_path, set())

    kept = [
        (each.details["collection"], each.details["asked"]) for each in receipts.read_all(tmp_path)
    ]
    assert [("notes", "hybrid"), ("notes", "dense"), ("docs", "hybrid")] == kept
