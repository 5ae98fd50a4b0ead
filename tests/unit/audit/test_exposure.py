# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.audit import exposure
from beast_ops.audit.exposure import Host, declared, notes, opened, undeclared
from beast_ops.audit.finding import Weight
from beast_ops.audit.published import Container
from beast_ops.audit.sockets import Listener, Process

ID = "c0ffee" + "0" * 58


def host(*listeners, owners=None, containers=()):
    return Host(tuple(listeners), owners or {}, containers)


def ours(place, *ports, name="beast-door-1", root=None, project="beast"):
    return Container(ID, name, str(place.root) if root is None else root, project, ports)


def process(name, *words, group=""):
    return Process(42, name, words, group)


def messages(findings):
    return [each.message for each in findings]


def test_what_is_declared_may_be_open(place, services):
    door = ours(place, ("tcp", "0.0.0.0", 80), ("tcp", "::", 443), ("tcp", "127.0.0.1", 8088))

    assert [] == undeclared(place, services, host(containers=(door,)))


@pytest.mark.parametrize(
    "port", [("tcp", "0.0.0.0", 6333), ("udp", "0.0.0.0", 443), ("tcp", "192.168.1.2", 9000)]
)
def test_a_published_port_that_is_not_declared_is_a_failure(place, services, port):
    found = undeclared(place, services, host(containers=(ours(place, port),)))

    protocol, address, number = port
    expected = f"{address}:{number}/{protocol} is open to other hosts and not declared"
    assert [f"{expected}, by the container beast-door-1"] == messages(found)
    assert {("port-undeclared", Weight.FAILURE)} == {(each.id, each.weight) for each in found}


def test_what_somebody_added_to_our_project_is_ours(place, services):
    added = ours(place, ("tcp", "0.0.0.0", 5000), root="", name="extra")

    assert ["port-undeclared"] == [
        each.id for each in undeclared(place, services, host(containers=(added,)))
    ]


def test_a_project_of_the_same_name_beside_an_embedded_installation_is_not_ours(place, services):
    embedded = services.model_copy(update={"runtime": "embedded"})
    other = ours(place, ("tcp", "0.0.0.0", 5000), root="", name="blog")

    assert [] == undeclared(place, embedded, host(containers=(other,)))


def test_the_container_of_another_installation_is_a_note(place, services):
    other = ours(place, ("tcp", "0.0.0.0", 5000), root="/opt/other", project="other", name="blog")
    seen = host(containers=(other,))

    assert [] == undeclared(place, services, seen)
    found = [each for each in notes(place, services, seen) if each.id == "listener-foreign"]
    assert [Weight.NOTE] == [each.weight for each in found]
    assert "the container blog" in found[0].message


def test_a_container_in_the_network_of_the_host_is_known_by_its_control_group(place, services):
    listener = Listener("tcp", "0.0.0.0", 9100, "7")
    for group in (f"0::/system.slice/docker-{ID}.scope\n", f"1:name=systemd:/docker/{ID}\n"):
        owners = {"7": process("node_exporter", "/bin/node_exporter", group=group)}
        seen = host(listener, owners=owners, containers=(ours(place, name="eyes"),))

        assert [
            "0.0.0.0:9100/tcp is open to other hosts and not declared, by the container eyes"
        ] == messages(undeclared(place, services, seen))


def test_a_process_of_the_installation_must_stay_on_loopback(place, services):
    python = str(place.root / "venv/0123/bin/python")
    owners = {"7": process("python", python, "-m", "beast_ops.agent")}
    loopback = [
        Listener("tcp", address, 7000, "7") for address in ("127.0.0.1", "127.0.0.53", "::1")
    ]
    everywhere = Listener("tcp", "::", 7000, "7")

    assert [] == undeclared(place, services, host(*loopback, owners=owners))
    assert ["[::]:7000/tcp is open to other hosts and not declared, by python (process 42)"] == (
        messages(undeclared(place, services, host(everywhere, owners=owners)))
    )


def test_a_stranger_is_a_note_and_so_is_who_cannot_be_seen(place, services):
    listeners = [Listener("tcp", "0.0.0.0", 22, "1"), Listener("udp", "0.0.0.0", 68, "2")]
    seen = host(*listeners, owners={"1": process("sshd", "/usr/sbin/sshd")})
    found = [each.message for each in notes(place, services, seen) if each.weight is Weight.NOTE]

    assert [] == undeclared(place, services, seen)
    assert [
        "0.0.0.0:22/tcp is open to other hosts, by sshd (process 42), which is none of ours",
        "0.0.0.0:68/udp is open to other hosts, by somebody unseen, which is none of ours",
    ] == found


def test_dockers_own_stand_in_is_told_once_and_as_the_container_it_stands_for(place, services):
    listener = Listener("tcp", "0.0.0.0", 80, "7")
    seen = host(
        listener,
        owners={"7": process("docker-proxy", "/usr/bin/docker-proxy", "-proto")},
        containers=(ours(place, ("tcp", "0.0.0.0", 80)),),
    )

    assert ["the container beast-door-1"] == [
        each.owner for each in opened(place, services, seen) if each.port == 80
    ]


def test_a_port_declared_at_one_address_may_not_be_open_at_all(place, services):
    narrow = services.services[0].publish[0].model_copy(update={"address": "10.0.0.5"})
    door = services.services[0].model_copy(update={"publish": (narrow,)})
    told = services.model_copy(update={"services": (door,)})
    right = host(containers=(ours(place, ("tcp", "10.0.0.5", 80)),))
    wide = host(containers=(ours(place, ("tcp", "0.0.0.0", 80)),))

    assert [] == undeclared(place, told, right)
    assert 1 == len(undeclared(place, told, wide))


def test_a_declared_port_that_nobody_listens_on_is_a_warning(place, services):
    seen = host(containers=(ours(place, ("tcp", "0.0.0.0", 80)),))
    found = [each for each in notes(place, services, seen) if each.weight is Weight.WARNING]

    assert ["port 443 of door is declared and nobody listens there"] == messages(found)


def test_without_an_answer_of_docker_the_audit_says_what_it_does_not_know(place, services):
    found = [each.id for each in notes(place, services, host(containers=None))]

    assert "docker-silent" in found


def test_declared_is_what_the_cards_publish(services):
    assert [("0.0.0.0", 80, "door"), ("0.0.0.0", 443, "door")] == [
        (each.address, each.port, each.service) for each in declared(services)
    ]


def test_this_very_host_can_be_looked_at(place, services):
    import socket

    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        found = opened(place, services, exposure.look())

    mine = [each for each in found if each.port == port]
    assert ["0.0.0.0"] == [each.address for each in mine]
    assert not mine[0].ours
