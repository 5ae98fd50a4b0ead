# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.addresses import may_connect, networks
from beast_ops.errors import UsageError

INSIDE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254
172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::7f00:1
64:ff9b::808:808 64:ff9b:1::a00:1 2002:7f00:1:: 2001:0:53aa::1 fe80::1 fe80::1%eth0 fec0::1
fc00::1 fd12:3456::1 ff02::1 2001:db8::1 100::1 localhost 2130706433 0x7f.1
"""
OUTSIDE = "1.1.1.1 8.8.8.8 93.184.215.14 100.63.255.255 100.128.0.1 2606:4700::1111 ::ffff:8.8.8.8"


@pytest.mark.parametrize("address", INSIDE.split())
def test_what_is_not_public_is_refused(address):
    assert not may_connect(address)


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_what_is_public_is_not(address):
    assert may_connect(address)


def test_networks_can_be_allowed():
    allowed = networks(["10.1.0.0/16", "fd00::/8"])

    assert may_connect("10.1.2.3", allowed)
    assert may_connect("::ffff:10.1.2.3", allowed)
    assert may_connect("fd00::1", allowed)
    assert not may_connect("10.2.0.1", allowed)
    assert not may_connect("127.0.0.1", allowed)


@pytest.mark.parametrize("word", ["", "10.1.0.0/99", "intranet", "10.1.2.3/16"])
def test_what_is_no_network_is_refused(word):
    with pytest.raises(UsageError, match="no network"):
        networks([word])
