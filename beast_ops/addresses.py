# SPDX-License-Identifier: Apache-2.0
"""Which addresses may be connected to for a stranger's sake: those of the public internet.

Whatever leads to this machine or its networks by another spelling is judged by where it leads.
"""

import ipaddress
from collections.abc import Sequence

from beast_ops.errors import UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SHARED = ipaddress.ip_network("100.64.0.0/10")  # behind carriers' translators: RFC 6598
# Translated to IPv4 on the way, by whom and to where nobody knows: RFC 6052, 8215, 3056, 4380.
_TRANSLATED = tuple(
    ipaddress.ip_network(each)
    for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
)


def networks(words: Sequence[str]) -> tuple[Network, ...]:
    """Return the networks that *words* name.

    Raises:
        UsageError: If one is none.
    """
    found = []
    for word in words:
        try:
            found.append(ipaddress.ip_network(word))
        except ValueError as wrong:
            raise UsageError(
                "this is no network", subject=word, hint="Such as 10.1.0.0/16 or 192.168.7.5/32."
            ) from wrong
    return tuple(found)


def may_connect(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Return whether *address* is public, or lies in one of the networks *allowed*."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if any(found in network for network in allowed):
        return True
    return _is_public(found)


def _is_public(address: Address) -> bool:
    odd = (
        address.is_private,
        address.is_loopback,
        address.is_link_local,
        address.is_multicast,
        address.is_unspecified,
        address.is_reserved,
        address in _SHARED,
        any(address in network for network in _TRANSLATED),
        isinstance(address, ipaddress.IPv6Address) and address.is_site_local,
    )
    return address.is_global and not any(odd)
