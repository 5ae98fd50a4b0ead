# SPDX-License-Identifier: Apache-2.0
"""Who holds a port: what the kernel's tables and the engine say."""

import errno
import os
import socket
import sys

import pytest

from beast_ops.preflight import ports
from beast_ops.preflight.docker import Published
from beast_ops.preflight.finding import Listen, Wish
from beast_ops.testing import free_port
from tests.unit.preflight.asking import wish

HEAD = (
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode"
)
little = pytest.mark.skipif(sys.byteorder != "little", reason="the tables are of a little endian")


def row(local, state="0A", inode=4711):
    rest = f"00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0"
    return f"   0: {local} 00000000:0000 {state} {rest}"


@little
@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("0100007F:18EB", ("127.0.0.1", 6379)),
        ("00000000:0050", ("0.0.0.0", 80)),
        ("00000000000000000000000000000000:01BB", ("::", 443)),
        ("00000000000000000000000001000000:01BB", ("::1", 443)),
        ("0000000000000000FFFF00000100007F:01BB", ("127.0.0.1", 443)),
        ("B80D0120000000000000000001000000:01BB", ("2001:db8::1", 443)),
    ],
)
def test_who_listens_is_read_from_the_kernel_s_table(local, expected, tmp_path):
    (tmp_path / "tcp").write_text("\n".join([HEAD, row(local), row(local, state="06")]) + "\n")

    assert [(*expected, "4711")] == list(ports._listening(tmp_path / "tcp"))


def test_a_kernel_without_a_table_tells_of_nobody(tmp_path):
    assert [] == list(ports._listening(tmp_path / "tcp6"))


def published(address, port, root="", project="shop"):
    return Published(address, port, "web", root, project)


def findings(listen, *held, ports_of=()):
    said = {"ports": dict(ports_of), "roles": {"door": "traefik"}}
    asked = wish("/r", runtime="compose", listens=[listen._asdict()], **said)
    return list(ports.check_ports(Wish(**asked), held))


@pytest.mark.parametrize(
    ("held", "wanted", "expected"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("::", "127.0.0.1", True),
        ("127.0.0.1", "0.0.0.0", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.2", "127.0.0.1", False),
        ("::1", "127.0.0.1", False),
    ],
)
def test_containers_and_we_clash_on_the_same_address_or_if_one_takes_all(held, wanted, expected):
    assert expected == ports.clash(published(held, 80), Listen(wanted, 80, "door"))
    assert not ports.clash(published(held, 81), Listen(wanted, 80, "door"))


def test_a_port_that_a_container_holds_is_refused_with_its_name():
    port = free_port()

    (finding,) = findings(Listen("0.0.0.0", port, "door"), published("127.0.0.1", port))

    assert ("port-taken", True) == (finding.id, finding.blocks)
    assert (
        f"Port {port} on 0.0.0.0, which door needs, cannot be used: the container web of shop "
        "holds it." == finding.message
    )
    assert (
        "End the program that holds it, or choose another in the settings that begin with traefik_"
        == finding.hint
    )


def test_a_port_with_a_setting_of_its_own_is_refused_with_that_setting():
    port = free_port()

    (finding,) = findings(
        Listen("127.0.0.1", port, "door"), published("127.0.0.1", port), ports_of={"door": port}
    )

    assert f"Port {port}, which door needs, cannot be used: " in finding.message
    assert finding.hint.endswith("choose another port: ./beast deploy --set traefik_port=NUMBER")


def test_a_port_that_our_own_container_holds_is_no_obstacle():
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        port = proxy.getsockname()[1]

        assert [] == findings(
            Listen("127.0.0.1", port, "door"), published("127.0.0.1", port, root="/r")
        )


def test_a_port_that_a_program_holds_is_refused_with_the_program():
    with socket.create_server(("127.0.0.1", 0)) as server:
        (finding,) = findings(Listen("127.0.0.1", server.getsockname()[1], "door"))

    assert f"(process {os.getpid()})." in finding.message
    assert finding.hint.startswith("End the program that holds it, or ")


@pytest.mark.parametrize("address", ["203.0.113.9", "2001:db8::9"])
def test_an_address_that_the_machine_does_not_have_is_refused(address):
    (finding,) = findings(Listen(address, free_port(), "door"))

    assert ("address-missing", True) == (finding.id, finding.blocks)
    assert f" on {address}, which door needs, cannot be used: " in finding.message
    assert finding.message.endswith("this machine has no such address.")
    assert "Give it an address it has, in the settings that begin with traefik_" == finding.hint


def test_an_address_of_the_new_kind_is_refused_where_the_kernel_has_none(monkeypatch):
    def without(*_):
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    monkeypatch.setattr(ports.socket, "socket", without)

    (finding,) = findings(Listen("::", 443, "door"))

    assert ("address-missing", True) == (finding.id, finding.blocks)
    assert "Port 443 on ::, which door needs, cannot be used: " in finding.message


def test_nobody_holds_what_is_not_there():
    assert "" == ports.holder(set())
    assert "" == ports.holder({"no such inode"})
    assert [] == list(ports.sockets(4194999))
