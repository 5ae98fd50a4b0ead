# SPDX-License-Identifier: Apache-2.0
"""What listens on this host, as the kernel tells it, and which processes those are."""

import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
# What counts as open: a TCP socket that listens, a UDP socket without a peer (net/tcp_states.h).
STATES = {"tcp": "0A", "udp": "07"}
NOBODY = "0"


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket that waits for whoever comes."""

    protocol: str
    address: str
    port: int
    inode: str


@dataclass(frozen=True, slots=True)
class Process:
    """A process: its number, its name, the words it was started with, and its control group."""

    pid: int
    name: str
    words: tuple[str, ...]
    group: str


def listeners(proc: Path = PROC) -> list[Listener]:
    """Return every socket of this host that waits for others."""
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        found += list(_rows(proc / "net" / table, table[:3]))
    return found


def owners(proc: Path = PROC) -> dict[str, Process]:
    """Return who holds each socket, by its inode, as far as one may look."""
    found: dict[str, Process] = {}
    for folder in proc.glob("[0-9]*"):
        held = list(_sockets(folder))
        if held:
            found.update(dict.fromkeys(held, _process(folder)))
    return found


def _rows(table: Path, protocol: str) -> Iterator[Listener]:
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return
    for line in lines:
        row = line.split()
        address, _, port = row[1].partition(":")
        if row[3] == STATES[protocol] and row[2].rpartition(":")[2].strip("0") == "":
            yield Listener(protocol, _address(address), int(port, 16), row[9])


def _address(text: str) -> str:
    """Return the address that the kernel prints as *text*: words in the machine's own order."""
    packed = b"".join(
        struct.pack("=I", int(text[at : at + 8], 16)) for at in range(0, len(text), 8)
    )
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6  # noqa: PLR2004 - bytes of an address
    return socket.inet_ntop(family, packed).removeprefix("::ffff:")


def _sockets(folder: Path) -> Iterator[str]:
    try:
        handles = list((folder / "fd").iterdir())
    except OSError:
        return
    for handle in handles:
        try:
            target = os.readlink(handle)  # noqa: PTH115 - the text of the link, not what it leads to
        except OSError:
            continue
        if target.startswith("socket:["):
            yield target[8:-1]


def _process(folder: Path) -> Process:
    words = _text(folder / "cmdline").rstrip("\0").split("\0")
    return Process(
        pid=int(folder.name),
        name=_text(folder / "comm").strip() or "?",
        words=tuple(words),
        group=_text(folder / "cgroup"),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
