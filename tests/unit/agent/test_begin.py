# SPDX-License-Identifier: Apache-2.0
"""Which words each request for an operation becomes, and what is told of the others."""

import pytest

from beast_ops import receipts
from beast_ops.agent import begin, verbs
from beast_ops.agent.ledger import Ledger, Operation
from beast_ops.agent.protocol import Request
from beast_ops.backup import shelf
from beast_ops.backup.restore import Plan
from beast_ops.errors import ConflictError, MissingError, UsageError

NAME = "beast_backup_20260501_030000"
OLD = "beast_backup_20260401_030000"


class Begun:
    """Stands where operations run, and remembers which were begun."""

    def __init__(self, place):
        self.ledger, self.begun = Ledger(place), []

    def begin(self, kind, words, name=""):
        self.begun.append((kind, list(words), name))
        return Operation(id="one", kind=kind, name=name, started="2026-05-01T00:00:00")


@pytest.fixture
def operations(place):
    shelf.folder(place).mkdir()
    (shelf.folder(place) / f"{NAME}.tar.zst").write_bytes(b"12345")
    (shelf.folder(place) / f"{OLD}.tar.zst.age").write_bytes(b"1")
    return Begun(place)


@pytest.mark.parametrize(
    ("request_", "begun"),
    [
        ({"verb": "backup"}, ("backup", ["backup"], "")),
        ({"verb": "verify", "name": NAME}, ("verify", ["verify", NAME], NAME)),
        ({"verb": "verify", "name": "newest"}, ("verify", ["verify", NAME], NAME)),
        ({"verb": "drill"}, ("drill", ["drill", "--name", NAME], NAME)),
        ({"verb": "restore", "name": NAME}, ("plan", ["restore", NAME, "--dry-run"], NAME)),
        (
            {"verb": "restore", "name": NAME, "confirm": NAME},
            ("restore", ["restore", NAME, "--yes"], NAME),
        ),
        (
            {"verb": "restore", "name": NAME, "service": "store", "confirm": NAME},
            ("restore", ["restore", NAME, "--service", "store", "--yes"], NAME),
        ),
        ({"verb": "restart", "service": "beast-api"},
         ("restart", ["restart", "beast-api"], "beast-api")),
    ],
    ids=str,
)  # fmt: skip
def test_a_request_begins_a_verb(place, operations, request_, begun):
    told = verbs.act(place, Request(**request_), operations)

    assert [begun] == operations.begun
    assert "one" == told.get("id", told.get("operation"))


@pytest.mark.parametrize("verb", ["verify", "drill", "restore"])
def test_an_encrypted_backup_is_left_to_the_host_where_its_key_is(place, operations, verb):
    with pytest.raises(ConflictError, match="encrypted"):
        verbs.act(place, Request(verb=verb, name=OLD), operations)

    assert [] == operations.begun


def test_a_restore_that_would_end_the_agent_is_refused(place, operations, monkeypatch):
    plan = Plan({"name": NAME}, "", (), (), other_key=True)
    monkeypatch.setattr(begin.restoring, "plan", lambda *_: plan)
    with pytest.raises(ConflictError, match="another master key"):
        verbs.act(place, Request(verb="restore", name=NAME, confirm=NAME), operations)

    assert [] == operations.begun


@pytest.mark.parametrize("confirm", ["yes", OLD, "newest", " "])
def test_a_restore_that_is_not_confirmed_by_its_name_is_refused(place, operations, confirm):
    for name in (NAME, "newest"):
        with pytest.raises(UsageError, match="confirmed"):
            verbs.act(place, Request(verb="restore", name=name, confirm=confirm), operations)

    assert [] == operations.begun


@pytest.mark.parametrize("name", ["beast_backup_20260501_030001", "passwd", "beast_backup_x"])
@pytest.mark.parametrize("verb", ["verify", "drill", "restore"])
def test_a_backup_that_is_not_there_begins_nothing(place, operations, verb, name):
    with pytest.raises(MissingError):
        verbs.act(place, Request(verb=verb, name=name), operations)

    assert [] == operations.begun


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "-x", "--yes", "a.b", ""])
def test_names_are_no_paths_and_no_options(name):
    with pytest.raises(ValueError, match="name"):
        Request(verb="verify", name=name)


def test_backups_are_listed_in_pages(place, operations):
    with receipts.recording(place.receipts, "drill") as kept:
        kept.details, kept.outcome = {"name": NAME}, "proven"
    told = verbs.act(place, Request(verb="backups", lines=1), operations)
    rest = verbs.act(place, Request(verb="backups", offset=1), operations)

    assert {
        "total": 2,
        "backups": [
            {
                "name": NAME,
                "made": "2026-05-01T03:00:00+00:00",
                "bytes": 5,
                "proven": "drill",
                "encrypted": False,
            }
        ],
    } == told
    assert [(OLD, None, True)] == [
        (each["name"], each["proven"], each["encrypted"]) for each in rest["backups"]
    ]


def test_receipts_are_listed_in_pages_and_by_kind_without_secrets(place, operations):
    for kind in ("deploy", "backup", "backup"):
        with receipts.recording(place.receipts, kind) as kept:
            kept.message = "with s3cret-of-the-store"
    told = verbs.act(place, Request(verb="receipts", name="backup", lines=1), operations)
    every = verbs.act(place, Request(verb="receipts"), operations)

    assert (2, 1, 3) == (told["total"], len(told["receipts"]), every["total"])
    first = told["receipts"][0]
    assert ("backup", "with ***") == (first["operation"], first["message"])
    assert first["id"] == max(path.stem for path in place.receipts.glob("*.json"))


def test_operations_are_listed_and_one_shows_its_output_without_secrets(place, operations):
    for number in range(3):
        one = Operation(id=f"n{number}", kind="backup", started=f"2026-05-01T00:00:0{number}")
        operations.ledger.keep(one)
    operations.ledger.output("n1").write_text("the key s3cret-of-the-store\nthe end\n")
    told = verbs.act(place, Request(verb="operations", lines=2), operations)
    found = verbs.act(place, Request(verb="operation", name="n1"), operations)

    assert (3, ["n2", "n1"]) == (told["total"], [each["id"] for each in told["operations"]])
    assert ["the key ***", "the end"] == found["output"]
    assert "running" == found["state"]
    with pytest.raises(MissingError):
        verbs.act(place, Request(verb="operation", name="n9"), operations)
    with pytest.raises(UsageError):
        verbs.act(place, Request(verb="operation"), operations)
