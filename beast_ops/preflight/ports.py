# SPDX-License-Identifier: Apache-2.0
"""Whether the ports are free, and who holds those that are not."""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from .docker import Published
from .finding import COMPOSE, LOOPBACK, Finding, Listen, Wish

EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - the way others say that they listen everywhere
LISTENING = "0A"  # TCP_LISTEN in the kernel's net/tcp_states.h


def check_ports(wish: Wish, published: Sequence[Published]) -> Iterator[Finding]:
    """Refuse each port that somebody else holds."""
    ours = own_sockets(Path(wish.root) / "run")
    for listen in wish.listening:
        holders = [each for each in published if clash(each, listen)]
        if any(each.root == wish.root for each in holders):
            continue
        if holders:
            yield _taken(wish, listen, f"{holders[0].words} holds it")
        else:
            yield from check_port(wish, listen, ours)


def clash(published: Published, listen: Listen) -> bool:
    """Return whether the container's port is the one to *listen* on."""
    if published.port != listen.port:
        return False
    either = {published.address, listen.address}
    return len(either) == 1 or bool(either & EVERYWHERE)


def check_port(wish: Wish, listen: Listen, ours: set[str]) -> Iterator[Finding]:
    """Refuse a port that a process listens on whose sockets are not among *ours*."""
    try:
        _listen(listen)
    except OSError as failed:
        if failed.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
            yield _missing(wish, listen)
        elif failed.errno == errno.EADDRINUSE:
            inodes = listeners(listen.port, listen.address)
            if not inodes & ours:
                yield _taken(wish, listen, _words(failed, inodes))
        elif wish.runtime != COMPOSE:  # there the engine binds, which may what we may not
            yield _taken(wish, listen, str(failed.strerror))


def _listen(listen: Listen) -> None:
    """Take the port for a moment."""
    family = socket.AF_INET6 if ":" in listen.address else socket.AF_INET
    with socket.socket(family) as probe:
        # As the servers do: a connection that is still dying does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((listen.address, listen.port))


def _words(failed: OSError, inodes: set[str]) -> str:
    who = holder(inodes)
    return f"{failed.strerror} by {who}" if who else str(failed.strerror)


def _where(listen: Listen) -> str:
    at = "" if listen.address == LOOPBACK else f" on {listen.address}"
    return f"Port {listen.port}{at}, which {listen.service} needs,"


def _taken(wish: Wish, listen: Listen, why: str) -> Finding:
    if wish.ports.get(listen.service) == listen.port:
        how = f"choose another port: ./beast deploy --set {wish.setting(listen.service, 'port')}"
        how += "=NUMBER"
    else:
        how = f"choose another in the settings that begin with {wish.setting(listen.service, '')}"
    return Finding(
        "port-taken",
        f"{_where(listen)} cannot be used: {why}.",
        f"End the program that holds it, or {how}",
    )


def _missing(wish: Wish, listen: Listen) -> Finding:
    return Finding(
        "address-missing",
        f"{_where(listen)} cannot be used: this machine has no such address.",
        "Give it an address it has, in the settings that begin with "
        f"{wish.setting(listen.service, '')}",
    )


def listeners(port: int, address: str = LOOPBACK) -> set[str]:
    """Return the inodes of the sockets whose listening keeps others off *port* of *address*."""
    return {
        inode
        for table in ("tcp", "tcp6")
        for at, number, inode in _listening(Path("/proc/net") / table)
        if number == port and (address in EVERYWHERE or at in EVERYWHERE or at == address)
    }


def _listening(table: Path) -> Iterator[tuple[str, int, str]]:
    """Yield address, port and inode of each socket of *table* that listens."""
    try:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return
    for row in rows:
        if row[3] == LISTENING:
            address, _, port = row[1].partition(":")
            yield _address(address), int(port, 16), row[9]


def _address(text: str) -> str:
    """Return the address that the kernel prints as *text*: words in the machine's own order."""
    words = [text[at : at + 8] for at in range(0, len(text), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    if len(words) == 1:
        return socket.inet_ntop(socket.AF_INET, packed)
    found = ipaddress.IPv6Address(packed)
    return str(found.ipv4_mapped or found)


def holder(inodes: set[str]) -> str:
    """Return the process that holds one of *inodes*, as far as one may look."""
    if not inodes:
        return ""
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208 - strings are what is wanted
        if inodes.intersection(sockets(int(pid))):
            try:
                name = Path(f"/proc/{pid}/comm").read_text().strip()
            except OSError:
                continue
            return f"{name} (process {pid})"
    return ""


def own_sockets(marks: Path) -> set[str]:
    """Return the inodes of the sockets held by the processes whose marks lie in *marks*."""
    inodes: set[str] = set()
    try:
        names = [name for name in os.listdir(marks) if name.endswith(".json")]  # noqa: PTH208 - strings are what is wanted
    except OSError:
        return inodes
    for name in names:
        try:
            pid = int(json.loads((marks / name).read_text())["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        inodes.update(sockets(pid))
    return inodes


def sockets(pid: int) -> Iterator[str]:
    """Yield the inodes of the sockets of process *pid*, which goes on opening and closing some."""
    folder = f"/proc/{pid}/fd"
    try:
        handles = os.listdir(folder)  # noqa: PTH208 - strings are what is wanted
    except OSError:
        return
    for handle in handles:
        try:
            target = os.readlink(f"{folder}/{handle}")  # noqa: PTH115 - the text of the link, not what it leads to
        except OSError:
            continue
        if target.startswith("socket:["):
            yield target[8:-1]
