# SPDX-License-Identifier: Apache-2.0
"""Ask a host, before anything changes, whether it can carry the stack.

Needs nothing but the standard library of Python 3.8, because it is sent to hosts where nothing
of ours is installed yet, and must be able to say that their Python is too old:

    python3 preflight.py '{"root": "/home/me/.beast", "ports": {"qdrant": 6333}, …}'

It reads only, and answers with one JSON object: `blockers` and `warnings`, each with a stable
`id`, what is wrong, and what to do next; `refusal` is the paragraph that tells all blockers.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import struct
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Set  # noqa: UP035 - evaluated by Python 3.8

MIB = 1024 * 1024
ELSEWHERE = "Choose another place: BEAST_ROOT=/some/where ./beast deploy"


# As in release/remove.py, which this file cannot import: what is ours, and how it is known.
OURS = {
    *("backups", "config", "current", "data", "live", "logs", "lost+found"),
    *("receipts", "releases", "run", "secrets", "settings.yml", "venv"),
}
HASH = "[0-9a-f]" * 12
TRACES = (f"releases/*-{HASH}", f"venv/{HASH}", "secrets/master.key", "run/lease")


class Finding(NamedTuple):
    """Something that stands in the way of a deploy, or may."""

    id: str
    message: str
    hint: str
    blocks: bool = True


class Wish(NamedTuple):
    """What a deploy needs of a host: sizes in MiB, ports and role names by service."""

    root: str
    python: str
    disk_mib: int
    memory_mib: int
    ports: Dict[str, int]  # noqa: UP006 - evaluated by Python 3.8
    roles: Dict[str, str]  # noqa: UP006 - likewise


def examine(wish: Wish) -> Iterator[Finding]:
    """Yield what stands in the way of *wish* on this host."""
    least = tuple(int(part) for part in wish.python.split("."))
    yield from check_python(least, sys.version_info[:2])
    root = Path(wish.root)
    place = nearest(root)
    yield from check_root(root, place)
    yield from check_disk(place, wish.disk_mib)
    yield from check_memory(Path("/proc/meminfo"), wish.memory_mib)
    ours = own_sockets(root / "run")
    for service, port in sorted(wish.ports.items()):
        yield from check_port(service, wish.roles[service], port, ours)


def check_python(least: tuple[int, ...], found: tuple[int, ...]) -> Iterator[Finding]:
    """Refuse a Python older than *least*."""
    if found < least:
        yield Finding(
            "python-too-old",
            f"Python is {found[0]}.{found[1]}; the stack needs {least[0]}.{least[1]} or newer.",
            "Install a newer Python and name it in ansible_python_interpreter.",
        )


def nearest(path: Path) -> Path:
    """Return *path*, or the closest folder above it that exists."""
    while not os.path.lexists(path):
        path = path.parent
    return path


def check_root(root: Path, place: Path) -> Iterator[Finding]:
    """Refuse a root that is no folder, belongs to another, or cannot be written."""
    if not os.path.isdir(place):  # noqa: PTH112 - Path.is_dir raises where one may not look
        yield Finding("root-not-a-folder", f"{place} is not a folder.", ELSEWHERE)
    elif place == root and root.stat().st_uid != os.geteuid():
        yield Finding("root-of-another", f"{root} belongs to another user.", ELSEWHERE)
    elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("root-not-writable", f"{place} cannot be written.", ELSEWHERE)
    elif place == root:
        yield from check_content(root)


def check_content(root: Path) -> Iterator[Finding]:
    """Refuse a root full of other things: a removal could not tell them from ours."""
    if any(next(root.glob(trace), None) for trace in TRACES):
        return
    strange = sorted(name for name in os.listdir(root) if name not in OURS and name[0] != ".")  # noqa: PTH208 - strings are what is wanted
    if strange:
        shown = ", ".join(strange[:3]) + (", …" if len(strange) > 3 else "")  # noqa: PLR2004 - enough to know it again
        yield Finding("root-in-use", f"{root} holds other things: {shown}.", ELSEWHERE)


def check_disk(place: Path, least: int) -> Iterator[Finding]:
    """Refuse when less than *least* MiB are free, warn below twice as much."""
    try:
        free = shutil.disk_usage(place).free // MIB
    except OSError:
        return  # one may not look there, which check_root tells
    if free < 2 * least:
        yield Finding(
            "disk-full" if free < least else "disk-short",
            f"{free} MiB are free at {place}; the stack needs {least} MiB.",
            f"Free some space. {ELSEWHERE}",
            blocks=free < least,
        )


def check_memory(source: Path, least: int) -> Iterator[Finding]:
    """Warn when less than *least* MiB of memory are available."""
    try:
        fields = dict(line.split(":", 1) for line in source.read_text().splitlines())
        available = int(fields["MemAvailable"].split()[0]) // 1024
    except (OSError, KeyError, ValueError):
        return
    if available < least:
        yield Finding(
            "memory-short",
            f"{available} MiB of memory are available; the stack wants {least} MiB.",
            "Close other programs, or expect the stack to be slow.",
            blocks=False,
        )


def check_port(service: str, role: str, port: int, ours: Set[str]) -> Iterator[Finding]:  # noqa: UP006 - evaluated by Python 3.8
    """Refuse a port that someone else listens on."""
    with socket.socket() as probe:
        # As the servers do: a connection that is still dying does not hold the port.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as failed:
            if failed.errno == errno.EADDRINUSE and listeners(port) & ours:
                return
            yield Finding(
                "port-taken",
                f"Port {port}, which {service} needs, cannot be used: {failed.strerror}.",
                "End the program that holds it, or choose another port: "
                f"./beast deploy --set {role}_port=NUMBER",
            )


def listeners(port: int) -> Set[str]:  # noqa: UP006 - evaluated by Python 3.8
    """Return the inodes of the IPv4 sockets that listen on *port* of loopback."""
    try:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    except OSError:
        return set()
    # 127.0.0.1 and 0.0.0.0 as the kernel prints them; TCP_LISTEN in its net/tcp_states.h.
    wanted = {f"{struct.unpack('=I', socket.inet_aton('127.0.0.1'))[0]:08X}", "00000000"}
    places = {f"{address}:{port:04X}" for address in wanted}
    return {row[9] for row in rows if row[3] == "0A" and row[1] in places}


def own_sockets(marks: Path) -> Set[str]:  # noqa: UP006 - evaluated by Python 3.8
    """Return the inodes of the sockets held by the processes whose marks lie in *marks*."""
    inodes: Set[str] = set()  # noqa: UP006 - evaluated by Python 3.8
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


def main(words: list[str]) -> None:
    """Print the findings for the wish in the first word."""
    wish: dict[str, Any] = json.loads(words[0])
    found = [finding._asdict() for finding in examine(Wish(**wish))]
    answer = {
        "blockers": [finding for finding in found if finding["blocks"]],
        "warnings": [finding for finding in found if not finding["blocks"]],
        "refusal": " ".join(
            f"{finding['message']} {finding['hint']}" for finding in found if finding["blocks"]
        ),
    }
    sys.stdout.write(f"{json.dumps(answer)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
