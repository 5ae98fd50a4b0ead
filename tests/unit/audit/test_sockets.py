# SPDX-License-Identifier: Apache-2.0
import os
import socket
import sys

import pytest

from beast_ops.audit.sockets import listeners, owners

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
ROW = "   0: {local} {remote} {state} 0:0 00:0 0     0        0 {inode} 1\n"


def table(folder, name, *rows):
    lines = [ROW.format(local=a, remote=b, state=s, inode=i) for a, b, s, i in rows]
    (folder / "net").mkdir(exist_ok=True)
    (folder / "net" / name).write_text(HEAD + "".join(lines), encoding="ascii")


@pytest.mark.skipif(sys.byteorder != "little", reason="the tables are of such a machine")
def test_the_tables_of_the_kernel_are_read(tmp_path):
    far = "0100A8C0:1F90"
    table(tmp_path, "tcp", ("0100007F:1F90", "00000000:0000", "0A", 5), (far, far, "01", 6))
    table(tmp_path, "tcp6", ("0" * 32 + ":01BB", "0" * 32 + ":0000", "0A", 7))
    table(tmp_path, "udp", ("00000000:0044", "00000000:0000", "07", 8), (far, far, "01", 9))
    mapped = "0000000000000000FFFF00000100A8C0:0035"
    table(tmp_path, "udp6", (mapped, "0" * 32 + ":0000", "07", 10))

    assert [
        ("tcp", "127.0.0.1", 8080, "5"),
        ("tcp", "::", 443, "7"),
        ("udp", "0.0.0.0", 68, "8"),
        ("udp", "192.168.0.1", 53, "10"),
    ] == [(each.protocol, each.address, each.port, each.inode) for each in listeners(tmp_path)]


def test_a_table_that_is_not_there_has_no_rows(tmp_path):
    assert [] == listeners(tmp_path)


def test_a_socket_of_ours_is_found_with_its_owner():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = [each for each in listeners() if each.port == port]
        holder = owners()[found[0].inode]

    assert ("tcp", "127.0.0.1") == (found[0].protocol, found[0].address)
    assert os.getpid() == holder.pid
    assert holder.words


def test_a_connection_is_no_listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        other = client.getsockname()[1]
        ports = {each.port for each in listeners()}
        client.close()

    assert other not in ports
