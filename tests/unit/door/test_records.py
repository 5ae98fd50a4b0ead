# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops import drift as drifting
from beast_ops.door import records
from beast_ops.drift import Difference
from beast_ops.errors import UsageError
from beast_ops.place import Place
from beast_ops.receipts import Receipt, write


def receipt(operation, outcome, number, **said):
    plain = {
        "operation": operation,
        "outcome": outcome,
        "release": f"{number}-0123456789ab",
        "content": "0123456789ab",
        "previous": None,
        "started": "2026-01-02T03:04:00+00:00",
        "finished": f"2026-01-02T03:04:0{number}+00:00",
        "seconds": 1.25,
        "changed": ("qdrant",),
        "checks": (),
    }
    return Receipt(**{**plain, **said})


@pytest.fixture
def place(tmp_path):
    found = Place(tmp_path)
    write(found.receipts, receipt("deploy", "proven", 1))
    write(found.receipts, receipt("deploy", "failed", 2, message="It did\nnot."))
    write(found.receipts, receipt("rollback", "proven", 3, changed=()))
    return found


def shown(place, capsys, operation="", outcome="", last=20):
    records.history(place, operation, outcome, last, json=False)
    return capsys.readouterr().out.splitlines()


def test_what_was_done_is_shown_newest_first(place, capsys):
    head = "2026-01-02T03:04:0"

    assert [
        f"{head}3+00:00  rollback  proven      3-0123456789ab        1.2 s",
        f"{head}2+00:00  deploy    failed      2-0123456789ab        1.2 s  It did not.",
        f"{head}1+00:00  deploy    proven      1-0123456789ab        1.2 s  qdrant",
    ] == shown(place, capsys)


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ({"operation": "deploy"}, "21"),
        ({"outcome": "proven"}, "31"),
        ({"operation": "deploy", "outcome": "proven"}, "1"),
        ({"last": 1}, "3"),
    ],
)
def test_it_can_be_asked_for_a_part(said, numbers, place, capsys):
    assert list(numbers) == [line[18] for line in shown(place, capsys, **said)]


def test_nothing_is_said_to_be_nothing(place, capsys):
    assert [f"Nothing of that kind was done at {place.root}."] == shown(place, capsys, "backup")


def test_less_than_one_is_refused(place):
    with pytest.raises(UsageError):
        records.history(place, "", "", 0, json=False)


def test_machines_read_all_of_it(place, capsys):
    records.history(place, "", "", 1, json=True)

    (found,) = json.loads(capsys.readouterr().out)["receipts"]
    assert ("rollback", 1.25, []) == (found["operation"], found["seconds"], found["changed"])


@pytest.mark.parametrize("as_json", [False, True])
def test_a_difference_ends_with_1(as_json, place, monkeypatch, capsys):
    found = [Difference("service", "qdrant", "is stopped")]
    monkeypatch.setattr(drifting, "differences", lambda _: found)

    assert 1 == records.drift(place, json=as_json)

    out = capsys.readouterr().out
    if as_json:
        told = {"kind": "service", "name": "qdrant", "what": "is stopped"}
        assert [told] == json.loads(out)["differences"]
    else:
        assert [
            "service  qdrant is stopped.",
            "It is put right by: ./beast deploy",
        ] == out.splitlines()


def test_no_difference_ends_with_0(place, monkeypatch, capsys):
    monkeypatch.setattr(drifting, "differences", lambda _: [])

    assert 0 == records.drift(place, json=False)
    assert "Nothing differs from the release in force.\n" == capsys.readouterr().out
