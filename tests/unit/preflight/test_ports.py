# SPDX-License-Identifier: Apache-2.0
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from beast_ops.preflight import ports
from beast_ops.preflight.finding import Wish
from beast_ops.testing import free_port
from tests.unit.preflight.asking import NOBODY, ids, run, wish

EVERYWHERE = "0.0.0.0"


def port_findings(port, ours=()):
    asked = Wish(**wish("/nowhere", ports={"qdrant": port}, roles={"qdrant": "qdrant"}))
    return list(ports.check_port(asked, asked.listening[0], set(ours)))


def test_a_free_port_is_welcome_even_just_after_a_server_left():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()  # whoever closes first leaves a dying connection behind

    assert [] == port_findings(port)


@pytest.mark.parametrize(
    ("host", "family"),
    [("127.0.0.1", socket.AF_INET), (EVERYWHERE, socket.AF_INET), ("::", socket.AF_INET6)],
)
def test_a_port_somebody_listens_on_is_refused(host, family):
    with socket.create_server(
        (host, 0), family=family, dualstack_ipv6=family == socket.AF_INET6
    ) as server:
        port = server.getsockname()[1]

        (finding,) = port_findings(port)

    assert ("port-taken", True) == (finding.id, finding.blocks)
    assert f"Port {port}, which qdrant needs, cannot be used: " in finding.message
    assert "--set qdrant_port=NUMBER" in finding.hint


@pytest.mark.needs("root")
def test_a_port_one_may_not_use_is_refused_where_we_would_listen_ourselves():
    unprivileged = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if unprivileged < 2:
        pytest.skip("every port is free for everybody here")
    said = {"ports": {"a": 1}, "roles": {"a": "a"}}
    nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    refused = run("/usr/bin/python3", wish("/tmp/new", **said), **nobody)["refusal"]
    contained = run("/usr/bin/python3", wish("/tmp/new", runtime="compose", **said), **nobody)

    assert refused.startswith("Port 1, which a needs, cannot be used: Permission denied. ")
    assert "Port 1" not in contained["refusal"]


def marked(run_folder, pid):
    run_folder.mkdir(exist_ok=True)
    (run_folder / "qdrant.json").write_text(json.dumps({"pid": pid, "started": "x"}))
    return ports.own_sockets(run_folder)


def test_a_port_our_own_process_listens_on_is_no_obstacle(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = marked(tmp_path / "run", os.getpid())

        assert [] == port_findings(server.getsockname()[1], ours)


def test_a_port_is_ours_even_if_somebody_uses_its_number_on_another_address(tmp_path):
    port = free_port()
    with (
        socket.create_server(("127.0.0.2", port)),
        socket.create_server(("127.0.0.1", port)),
        socket.create_server(("127.0.0.3", port)),
    ):
        everything = marked(tmp_path / "run", os.getpid())
        ours = everything & ports.listeners(port)

        assert 1 == len(ports.listeners(port))
        assert [] == port_findings(port, ours)


OTHER = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
input()
"""


def test_what_only_another_address_of_ours_holds_is_not_ours(tmp_path):
    port = free_port()
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            OTHER,
            str(port),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with other, socket.create_server(("127.0.0.2", port)):
        other.stdout.readline()
        found = port_findings(port, marked(tmp_path / "run", os.getpid()))
        other.communicate(b"\n")

    assert ["port-taken"] == ids(found)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"pid": "x"}', '{"pid": null}', '{"pid": 4194999}']
)
def test_a_damaged_mark_owns_nothing(text, tmp_path):
    (tmp_path / "a.json").write_text(text)

    assert set() == ports.own_sockets(tmp_path)


def test_without_marks_nothing_is_ours(tmp_path):
    assert set() == ports.own_sockets(tmp_path / "none")
