# SPDX-License-Identifier: Apache-2.0
import ipaddress
import socket
import threading
import time

import pytest

from beast_ops.preflight import network
from beast_ops.preflight.network import check_names, check_subnet

WANTED = "10.213.0.0/24"
ROUTES = "-4 route show table all"
PLAIN = """\
default via 192.0.2.1 dev eth0 proto dhcp metric 100
172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1 linkdown
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2
local 10.213.0.7 dev lo table local proto kernel scope host src 10.213.0.7
broadcast 10.213.0.255 dev eth0 table local proto kernel scope link src 192.0.2.2
multicast 224.0.0.0/4 dev eth0 proto static
"""


def findings(programs, routes, subnet=WANTED, bridges=()):
    programs.answers("ip", ROUTES, PLAIN + routes)
    return list(check_subnet(subnet, set(bridges)))


@pytest.mark.parametrize("subnet", [WANTED, "10.0.0.0/8", "192.0.3.0/24", "192.0.1.0/24"])
def test_a_network_that_nobody_uses_is_welcome(subnet, programs):
    assert [] == findings(programs, "", subnet)


@pytest.mark.parametrize(
    "route",
    [
        "10.213.0.0/24 dev wg0 scope link",
        "10.213.0.128/25 dev wg0 scope link",
        "10.212.0.0/15 via 10.8.0.1 dev wg0",
        "10.0.0.0/8 via 10.8.0.1 dev wg0 table 51820",
        "unicast 10.213.0.0/24 dev wg0",
        "10.213.0.9 dev wg0 scope link",
        "10.213.0.0/16 metric 9 \n\tnexthop via 10.8.0.1 dev wg0 \n\tnexthop dev wg1",
        "10.213.0.0/16 proto static\n\tnexthop dev wg0 weight 1 onlink",
    ],
)
def test_a_network_that_overlaps_a_route_is_refused(route, programs):
    (finding,) = findings(programs, f"{route}\n")

    reached = route.removeprefix("unicast ").split()[0]
    reached += "" if "/" in reached else "/32"
    assert ("subnet-taken", True) == (finding.id, finding.blocks)
    assert (
        f"The containers' network {WANTED} overlaps {reached}, which this machine reaches by wg0."
        == finding.message
    )
    assert finding.hint.startswith("Choose another network for the containers, such as ")


@pytest.mark.parametrize(
    "route",
    [
        "10.212.255.0/24 dev wg0",
        "10.213.1.0/24 dev wg0",
        "0.0.0.0/1 via 10.8.0.1 dev tun0\n128.0.0.0/1 via 10.8.0.1 dev tun0",
        "0.0.0.0/0 via 10.8.0.1 dev tun0 table 9",
        "blackhole 10.0.0.0/8 proto static",
        "unreachable 10.0.0.0/8 metric 4278198272",
        "throw 10.0.0.0/8 table 9",
        "10.213.0.0/16 proto static",
        "nonsense dev wg0",
        "10.213.0.0/24 dev",
    ],
)
def test_a_neighbour_the_way_to_the_internet_and_a_way_to_nowhere_are_no_obstacle(route, programs):
    assert [] == findings(programs, f"{route}\n")


def test_our_own_network_is_no_obstacle(programs):
    route = "10.213.0.0/24 dev br-2fd21acbd643 proto kernel scope link src 10.213.0.1\n"

    assert [] == findings(programs, route, bridges=["br-2fd21acbd643"])
    assert 1 == len(findings(programs, route, bridges=["br-000000000000"]))


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("192.168.7.0/24", "10.213.0.0/24"),
        ("10.213.0.0/16", "172.30.213.0/24"),
        ("10.0.0.0/8 dev a\n172.16.0.0/12", "192.168.213.0/24"),
    ],
)
def test_the_network_that_is_proposed_is_free_itself(route, expected, programs):
    (finding,) = findings(programs, f"{route} dev wg0\n", route.split()[0])

    assert f"Choose another network for the containers, such as {expected}." == finding.hint


def test_no_network_is_proposed_where_none_is_free(programs):
    routes = "10.0.0.0/8 dev a\n172.16.0.0/12 dev a\n192.168.0.0/16 dev a\n"

    (finding,) = findings(programs, routes)

    assert (
        "Choose another network for the containers: ip route shows what is taken." == finding.hint
    )


@pytest.mark.parametrize("subnet", ["10.213.0.1/24", "nonsense", "10.213.0.0/33", "fd00::/64"])
def test_a_network_that_is_none_is_refused(subnet, programs):
    (finding,) = findings(programs, "", subnet)

    assert ("subnet-wrong", True) == (finding.id, finding.blocks)
    assert finding.message.startswith("The network of the containers is none: ")
    assert "Write it as in 10.213.0.0/24: its first address, and how many bits are fixed." == (
        finding.hint
    )


def test_the_choice_of_docker_is_not_judged(programs):
    assert [] == findings(programs, "10.0.0.0/8 dev wg0\n", None)


def test_a_host_that_does_not_tell_its_routes_is_not_judged(programs):
    programs.fails("ip", "", "Cannot open netlink socket")

    assert [] == list(check_subnet(WANTED, set()))


def test_a_route_over_many_ways_is_told_once_for_each(programs):
    programs.answers("ip", ROUTES, "10.1.0.0/16 \n\tnexthop dev a\n\tnexthop dev b\n")

    net = ipaddress.IPv4Network("10.1.0.0/16")
    assert [(net, "a"), (net, "b")] == list(network.routes())


@pytest.fixture
def names(monkeypatch):
    """Return the addresses of names, all there are."""
    known = {}

    def look(name, _port, **_options):
        if name not in known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in known[name]]

    monkeypatch.setattr(network.socket, "getaddrinfo", look)
    return known


@pytest.mark.parametrize(("acme", "blocks"), [("http", True), ("dns", False)])
def test_names_without_an_address_are_refused_where_they_are_visited(acme, blocks, names):
    names["api.d.example"] = ["127.0.0.1"]

    (finding,) = check_names(["web.d.example", "api.d.example", "chat.d.example"], acme)

    assert ("domain-unresolved", blocks) == (finding.id, finding.blocks)
    assert (
        "No public authority certifies names without an address: chat.d.example, web.d.example."
        == finding.message
    )
    assert "./beast deploy --set traefik_tls=local_ca" in finding.hint


def test_names_that_lead_elsewhere_are_warned_of(names):
    names["chat.d.example"] = ["203.0.113.9", "2001:db8::9"]
    names["api.d.example"] = ["127.0.0.1"]

    (finding,) = check_names(["api.d.example", "chat.d.example"], "http")

    assert ("domain-elsewhere", False) == (finding.id, finding.blocks)
    assert (
        "Names of the front door lead to no address of this machine: chat.d.example "
        "(2001:db8::9, 203.0.113.9)." == finding.message
    )
    assert finding.hint.endswith("otherwise correct their addresses.")


@pytest.mark.parametrize("found", [["127.0.0.1"], ["203.0.113.9", "127.0.0.1"]])
def test_a_name_that_leads_here_by_one_address_is_welcome(found, names):
    names["chat.d.example"] = found

    assert [] == list(check_names(["chat.d.example"], "http"))


@pytest.mark.usefixtures("names")
def test_names_that_no_public_authority_certifies_are_not_looked_up():
    assert [] == list(check_names(["chat.d.example"], ""))
    assert [] == list(check_names([], "http"))


def test_a_name_that_is_no_name_has_no_address(monkeypatch):
    def look(name, *_, **__):
        return name.encode("idna")

    monkeypatch.setattr(network.socket, "getaddrinfo", look)

    assert {"a..b": set()} == network.resolve(["a..b"])


def test_names_that_nobody_tells_in_time_have_no_address_and_cost_the_time_once(monkeypatch):
    told = threading.Event()
    monkeypatch.setattr(network, "RESOLVE_SECONDS", 0.2)
    monkeypatch.setattr(network.socket, "getaddrinfo", lambda *_, **__: told.wait(5) and [])
    names = [f"{number}.example" for number in range(10)]
    begun = time.monotonic()

    assert {name: set() for name in names} == network.resolve(names)

    assert time.monotonic() - begun < 1
    told.set()
