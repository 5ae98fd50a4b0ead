# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.audit import judge
from beast_ops.audit.finding import Declared, Finding, Report, Weight
from beast_ops.deploy import exposure as there
from beast_ops.door import exposure
from beast_ops.errors import UsageError
from beast_ops.place import Place

CLEAN = Report(
    findings=(Finding("listener-foreign", Weight.NOTE, "port 22 is open"),),
    declared=(Declared("0.0.0.0", 443, "door"),),
)
LEAKS = CLEAN.with_more([Finding("port-undeclared", Weight.FAILURE, "port 9 is open", "Close it.")])


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Type the verb; this machine finds *report*."""

    def typing(report, inventory="", prober="", *, as_json=False):
        asked = []

        def elsewhere(*words):
            asked.append(words[1:])
            return report

        monkeypatch.setattr(judge, "audit", lambda _place: report)
        monkeypatch.setattr(there, "audit_there", elsewhere)
        code = exposure.audit(Place(tmp_path), inventory, prober, json=as_json)
        return code, asked

    return typing


def test_a_clean_host_ends_with_0(look, capsys):
    assert (0, []) == look(CLEAN)
    assert capsys.readouterr().out.splitlines() == [
        "note     listener-foreign    port 22 is open.",
        "Declared to other hosts: 443 (door).",
        "Nothing is open that must not be.",
    ]


def test_something_open_ends_with_1_and_says_what_to_do(look, capsys):
    assert 1 == look(LEAKS)[0]
    assert "failure  port-undeclared     port 9 is open. Close it." in capsys.readouterr().out


def test_machines_read_one_document(look, capsys):
    assert 1 == look(LEAKS, as_json=True)[0]
    assert LEAKS.as_dict() == json.loads(capsys.readouterr().out)


def test_another_host_is_looked_at_through_its_inventory(look):
    assert (0, [("inventory/x", "web2")]) == look(CLEAN, "inventory/x", "web2")


def test_without_an_inventory_no_other_host_can_look(look):
    with pytest.raises(UsageError, match="only an inventory"):
        look(CLEAN, "", "web2")
