# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.audit.finding import Declared
from beast_ops.audit.firewall import bypassed
from beast_ops.errors import CommandError

OPEN = (Declared("0.0.0.0", 443, "door"), Declared("0.0.0.0", 80, "door"))
EMPTY = "-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n"


class Tables:
    """Answers as iptables does, or not at all."""

    def __init__(self, rules):
        self.rules = rules

    def run(self, argv, **_):
        assert ["iptables", "-S", "DOCKER-USER"] == argv
        if self.rules is None:
            raise CommandError("ended with 1", subject="iptables")
        return self.rules


@pytest.fixture
def ufw(tmp_path):
    """A firewall that is on."""
    path = tmp_path / "ufw.conf"
    path.write_text("# on or off\nENABLED = yes\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("rules", [None, "", EMPTY])
def test_a_firewall_that_dockers_ports_pass_by_is_told(ufw, rules):
    (found,) = bypassed(OPEN, ufw, Tables(rules))

    assert "firewall-bypassed" == found.id
    assert "port 80, 443" in found.message


def test_it_is_not_told_where_somebody_restricts_them(ufw):
    rules = f"{EMPTY}-A DOCKER-USER ! -s 192.168.0.0/16 -i eth0 -j DROP\n"

    assert [] == list(bypassed(OPEN, ufw, Tables(rules)))


def test_it_is_not_told_where_nothing_is_open_or_no_firewall_is_on(ufw, tmp_path):
    ufw_off = tmp_path / "off.conf"
    ufw_off.write_text("ENABLED=no\n", encoding="utf-8")
    loopback = (Declared("127.0.0.1", 80, "door"),)

    assert [] == list(bypassed(loopback, ufw, Tables(EMPTY)))
    assert [] == list(bypassed((), ufw, Tables(EMPTY)))
    assert [] == list(bypassed(OPEN, ufw_off, Tables(EMPTY)))
    assert [] == list(bypassed(OPEN, tmp_path / "none", Tables(EMPTY)))
