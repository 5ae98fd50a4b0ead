# SPDX-License-Identifier: Apache-2.0
"""What an archive says of each of its members, and which members it may have.

Our own rule, because that of `tarfile` forgets owners and modes: names are relative and lead
nowhere else, there are files, folders and links and nothing besides, and links stay inside.
"""

import json
import os
import tarfile
from dataclasses import dataclass
from typing import Any, Literal

from .tape import damaged

Kind = Literal["file", "folder", "link", "same"]  # `same` is another name of an earlier file
KINDS: dict[bytes, Kind] = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "same",
}
HEADER, PROOF, MANIFEST = "header.json", "proof.json", "manifest.jsonl"
DATA = "data"
TOPS = (2**32 - 1, 2**32 - 1, 2**63, 2**12)  # -1 is nobody; no file is larger; permissions
MOMENTS = 2**53  # seconds that a float tells exactly, beyond what any file system keeps
NAME_BYTES, PATH_BYTES = 255, 4095  # limits.h: NAME_MAX, and PATH_MAX without its last byte


@dataclass(frozen=True, slots=True)
class Entry:
    """One member.

    Attributes:
        path: Its name in the archive.
        kind: What it is.
        size: Bytes of a file, holes included.
        sha256: Over the content of a file, hexadecimal.
        mode: Its permissions.
        uid: Number of its owner.
        gid: Number of its group.
        mtime: When it was last changed, nanoseconds since 1970.
        target: Where a link leads, or of which earlier file it is another name.
    """

    path: str
    kind: Kind
    size: int
    sha256: str
    mode: int
    uid: int
    gid: int
    mtime: int
    target: str = ""

    def line(self) -> bytes:
        """Return the line of the manifest: JSON, ASCII alone, so that any name survives."""
        return json.dumps(self.plain(), separators=(",", ":")).encode() + b"\n"

    def plain(self) -> dict[str, Any]:
        """Return it by the names of its attributes."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_line(line: bytes) -> Entry:
    """Return the entry that *line* of a manifest says.

    Raises:
        ArchiveError: If it says none.
    """
    try:
        entry = Entry(**json.loads(line))
    except (ValueError, TypeError, RecursionError):
        raise damaged("a line of its manifest makes no sense") from None
    texts, numbers = (
        (entry.path, entry.kind, entry.sha256, entry.target),
        (entry.size, entry.mode, entry.uid, entry.gid, entry.mtime),
    )
    if not all(type(each) is str for each in texts) or not all(type(n) is int for n in numbers):
        raise damaged("a line of its manifest makes no sense")
    return entry


def judge(info: tarfile.TarInfo) -> Kind:
    """Return what the member *info* is, if an archive of ours may have it.

    Raises:
        ArchiveError: If it may not.
    """
    kind = KINDS.get(info.type)
    numbers = (info.uid, info.gid, info.size, info.mode)
    if not abs(info.mtime) < MOMENTS or not all(
        0 <= n < top for n, top in zip(numbers, TOPS, strict=True)
    ):
        raise damaged(f"a number of {info.name!r} makes no sense")
    if kind is None:
        raise damaged(f"{info.name!r} is neither file nor folder nor link")
    if not is_plain(info.name):
        raise damaged(f"the name {info.name!r} leads elsewhere")
    if too_long(info.name) or len(os.fsencode(info.linkname)) > PATH_BYTES:
        raise damaged(f"the name {info.name[:NAME_BYTES]!r} is longer than any file system takes")
    if kind == "link" and not stays_inside(info.name, info.linkname):
        raise damaged(f"the link {info.name!r} leads out of its folder")
    if kind == "same" and not is_plain(info.linkname):
        raise damaged(f"the link {info.name!r} leads elsewhere")
    return kind


def is_plain(name: str) -> bool:
    """Return whether *name* is relative, and leads to one place below where it starts."""
    parts = name.split("/")
    return bool(name) and "\0" not in name and not {"", ".", ".."} & set(parts)


def too_long(name: str) -> bool:
    """Return whether *name*, or a part of it, is longer than Linux takes."""
    whole = os.fsencode(name)
    return len(whole) > PATH_BYTES or any(len(part) > NAME_BYTES for part in whole.split(b"/"))


def stays_inside(name: str, target: str) -> bool:
    """Return whether a link called *name* leads to something in its own volume or folder.

    It may go up first and then down, never up again: what it came down through may be a link.
    """
    if not target or target.startswith("/") or "\0" in target:
        return False
    steps = [part for part in target.split("/") if part not in {"", "."}]
    up = next((number for number, part in enumerate(steps) if part != ".."), len(steps))
    top = 2 if name.startswith(f"{DATA}/") else 1
    return up <= len(name.split("/")) - 1 - top and ".." not in steps[up:]


def differs(said: Entry, found: Entry) -> bool:
    """Return whether a manifest says something else than the archive has; tar counts seconds."""
    seconds = said.mtime // 10**9 != found.mtime // 10**9
    return seconds or any(getattr(said, name) != getattr(found, name) for name in COMPARED)


COMPARED = tuple(name for name in Entry.__slots__ if name != "mtime")
