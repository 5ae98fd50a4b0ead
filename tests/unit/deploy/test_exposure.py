# SPDX-License-Identifier: Apache-2.0
import json
import sys

import pytest

from beast_ops.audit.finding import Declared, Finding, Open, Report, Weight
from beast_ops.deploy import exposure
from beast_ops.errors import CommandError, ServiceError
from beast_ops.place import Place

REPORT = Report(
    findings=(Finding("listener-foreign", Weight.NOTE, "said"),),
    open=(Open("tcp", "0.0.0.0", 22, "sshd (process 1)", ours=False),),
    declared=(Declared("0.0.0.0", 443, "door"),),
)


@pytest.fixture
def look(tmp_path, monkeypatch):
    """Audit a host that says *said*, seen by another through the *events* of a playbook."""

    def looking(said, prober="", events=()):
        def there(_place, inventory, words):
            assert ("inventory/server", ["audit", "--json"]) == (inventory, words)
            sys.stdout.write(said)
            return 1

        def run(playbook, _log):
            assert "probe" == playbook.name
            assert prober == playbook.variables["probe_from"]
            assert exposure.PROBE.is_file()
            return iter(events)

        monkeypatch.setattr(exposure, "run_there", there)
        monkeypatch.setattr(exposure, "run", run)
        return exposure.audit_there(Place(tmp_path), "inventory/server", prober)

    return looking


def told(*ports):
    return json.dumps({"open": ports, "silent": 0, "looked": 65535})


def test_the_report_of_the_host_is_handed_on(look, capsys):
    assert REPORT == look(json.dumps(REPORT.as_dict()))
    assert "" == capsys.readouterr().out


def test_what_another_host_sees_is_added(look):
    events = [{"event": "begins"}, {"event": "done", "stdout": told(22, 443, 9000)}]
    found = look(json.dumps(REPORT.as_dict()), "web2", events)

    assert not found.clean
    assert ["listener-foreign", "reached-foreign", "reached-undeclared", "reached"] == [
        each.id for each in found.findings
    ]
    assert "web2 looked at 65535 ports: 3 let it in" in found.findings[-1].message


@pytest.mark.parametrize("said", ["", "no JSON", "[]", '{"findings": []}'])
def test_an_answer_that_is_no_report_is_an_error(look, said):
    with pytest.raises(ServiceError, match="no report"):
        look(said)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([{"event": "failed", "msg": "unreachable\nhost"}], "unreachable host"),
        ([{"event": "exit", "code": 0}], "no such host in the inventory"),
    ],
)
def test_a_host_that_cannot_look_is_an_error(look, events, why):
    with pytest.raises(CommandError, match=why) as caught:
        look(json.dumps(REPORT.as_dict()), "web2", events)
    assert "web2" == caught.value.subject
