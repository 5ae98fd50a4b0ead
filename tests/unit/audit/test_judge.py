# SPDX-License-Identifier: Apache-2.0
import json
import socket

import pytest

from beast_ops.audit import exposure
from beast_ops.audit.finding import Declared, Finding, Open, Report, Weight, read
from beast_ops.audit.judge import audit, reached
from beast_ops.errors import NotDeployedError
from beast_ops.testing import a_service, an_installation

REPORT = Report(
    findings=(Finding("a", Weight.NOTE, "said"),),
    open=(
        Open("tcp", "0.0.0.0", 22, "sshd (process 1)", ours=False),
        Open("tcp", "0.0.0.0", 443, "the container door", ours=True),
        Open("tcp", "127.0.0.1", 6333, "the container store", ours=True),
        Open("tcp", "0.0.0.0", 9000, "the container leak", ours=True),
    ),
    declared=(Declared("0.0.0.0", 443, "door"), Declared("127.0.0.1", 80, "door")),
)


def told(*ports):
    return [(each.id, each.weight) for each in reached(REPORT, ports, "web2")]


def test_only_what_is_declared_is_reached():
    assert [] == told(443)


def test_a_stranger_that_is_reached_is_a_note():
    assert [("reached-foreign", Weight.NOTE)] == told(443, 22)


@pytest.mark.parametrize("port", [9000, 6333, 5000])
def test_anything_else_that_is_reached_is_a_failure(port):
    assert [("reached-undeclared", Weight.FAILURE)] == told(443, port)


def test_a_declared_port_that_is_not_reached_is_a_warning():
    assert [("reached-not", Weight.WARNING)] == told()


def test_a_report_is_clean_until_something_is_open_that_must_not_be():
    warned = REPORT.with_more([Finding("b", Weight.WARNING, "said")])

    assert REPORT.clean
    assert warned.clean
    assert not warned.with_more(reached(REPORT, [9000], "web2")).clean


def test_a_report_comes_back_from_another_host_as_it_was():
    assert REPORT == read(json.loads(json.dumps(REPORT.as_dict())))


def test_an_installation_is_audited(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        place = an_installation(tmp_path / "root", a_service("store", address))
        found = audit(place)

    assert found.clean
    assert address.rpartition(":")[2] in {str(each.port) for each in found.open}
    assert () == found.declared


def test_what_of_an_installation_is_open_to_all_is_a_failure(tmp_path, monkeypatch):
    place = an_installation(tmp_path / "root", a_service("store"))
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        holder = exposure.look()
        inode = next(each.inode for each in holder.listeners if each.port == port)
        words = (str(place.root / "venv/1/bin/python"), "-m", "beast_ops.api")
        own = exposure.Process(1, "python", words, "")
        seen = exposure.Host(holder.listeners, {**holder.owners, inode: own}, ())
        monkeypatch.setattr(exposure, "look", lambda: seen)
        found = audit(place)

    assert not found.clean
    assert "port-undeclared" == found.findings[0].id
    assert f":{port}/tcp" in found.findings[0].message


def test_where_nothing_is_deployed_nothing_is_audited(tmp_path):
    from beast_ops.place import Place

    with pytest.raises(NotDeployedError):
        audit(Place(tmp_path))
