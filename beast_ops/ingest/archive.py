# SPDX-License-Identifier: Apache-2.0
"""Archives: their members are documents called `<archive>!/<member>`.

A member is taken for unchanged as long as its archive has the same size and time; then the
archive is not read at all, for its list of members was noted the last time.
"""

import io
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, cast

from beast_ops.errors import DocumentError

from .archive_open import MEMBER_BYTES, MEMBERS_MOST, Item, items, too_many, whole
from .find import is_odd
from .found import FoundDocument
from .ignore import EVERYTHING, Selection
from .notes import Notes
from .sources import MARK, is_archive

NESTED = "an archive in an archive is not opened"
LEADS_OUT = "its name leads out of the archive"
MEMORY_BYTES = 8 << 20  # a larger member waits on the disk while it is sent
BLOCK_BYTES = 1 << 18
NAME_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Member(FoundDocument):
    """A document in an archive; size and time are those of the archive."""

    archive: "Archive"
    number: int


@dataclass(frozen=True, slots=True)
class Listing:
    """What is in an archive: numbers and names of documents, and what is wrong with others."""

    members: Sequence[tuple[int, str]]
    problems: Sequence[tuple[str, str]] = ()


class Archive:
    """One archive."""

    def __init__(self, file: FoundDocument, notes: Notes) -> None:
        """Look into *file*, unless *notes* say what is in it."""
        self.file, self._notes = file, notes

    def members(
        self, selection: Selection = EVERYTHING
    ) -> tuple[list[Member], list[tuple[str, str]]]:
        """Return the documents in it, and what is wrong with others, by their paths.

        Args:
            selection: Which are wanted, by their names in the archive.

        Raises:
            DocumentError: If it is no archive, is damaged, or is a bomb.
            OSError: If it cannot be read.
        """
        listing = self._listing()
        inside = f"{self.file.path}{MARK}/"
        members = [
            Member(f"{inside}{name}", self.file.size, self.file.mtime_ns, self, number)
            for number, name in listing.members
            if selection.takes(name)
        ]
        return members, [(f"{inside}{name}", reason) for name, reason in listing.problems]

    def _listing(self) -> Listing:
        key = f"archive {self.file.path} {self.file.size} {self.file.mtime_ns}"
        noted = self._notes.get(key)
        if noted is not None:
            members = [(int(number), str(name)) for number, name in noted["members"]]
            return Listing(members, [(str(name), str(why)) for name, why in noted["problems"]])
        with self._open() as file:
            listing = _judged(items(file, self.file.size))
        self._notes.put(key, {"members": listing.members, "problems": listing.problems})
        return listing

    def contents(
        self, wanted: Sequence[Member]
    ) -> Iterator[tuple[Member, IO[bytes] | DocumentError]]:
        """Yield the content of each of *wanted*, or why there is none, in one pass.

        A content may be read, again and again, until the next is asked for.

        Raises:
            DocumentError: If the archive is damaged, or not the one that was listed.
            OSError: If it cannot be read.
        """
        by_number: Mapping[int, Member] = {member.number: member for member in wanted}
        with self._open() as file:
            for number, item in enumerate(items(file, self.file.size)):
                if number in by_number:
                    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as kept:
                        yield by_number[number], _copied(item.open, kept)

    def _open(self) -> IO[bytes]:
        file = self.file.open()
        kind = os.fstat(file.fileno())
        if (kind.st_size, kind.st_mtime_ns) != (self.file.size, self.file.mtime_ns):
            file.close()
            raise DocumentError("it changed while it was read")
        return io.BufferedReader(cast("io.RawIOBase", file))


def _judged(found: Iterator[Item]) -> Listing:
    """Return which of the members *found* are documents; of those named alike, the last."""
    members: dict[str, int] = {}
    problems: dict[str, str] = {}
    for number, item in enumerate(found):
        if number >= MEMBERS_MOST:
            raise too_many()
        name = item.name.removeprefix("./")
        if not item.is_file:
            continue
        reason = _reason(name, item)
        if reason is None:
            continue
        if reason:
            problems[name[:NAME_CHARACTERS]] = reason
        else:
            members[name] = number
    return Listing([(number, name) for name, number in members.items()], [*problems.items()])


def _reason(name: str, item: Item) -> str | None:
    """Return why *item* cannot be read, nothing if it can, `None` if it is no document."""
    if not _is_sane(name):
        return LEADS_OUT
    if is_archive(name):
        return NESTED
    if is_odd(name):
        return None
    if item.problem:
        return item.problem
    return f"larger than {MEMBER_BYTES >> 20} MiB" if item.size > MEMBER_BYTES else ""


def _is_sane(name: str) -> bool:
    parts = name.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or "\\" in name
    return not odd and len(name) <= NAME_CHARACTERS and all(ord(sign) >= ord(" ") for sign in name)


def _copied(content: Callable[[], IO[bytes]], kept: IO[bytes]) -> IO[bytes] | DocumentError:
    """Return *kept* with the *content* in it, or what is wrong with that."""
    left = MEMBER_BYTES
    try:
        with whole("damaged in its archive"), content() as file:
            while block := file.read(BLOCK_BYTES):
                left -= len(block)
                if left < 0:
                    return DocumentError(f"larger than {MEMBER_BYTES >> 20} MiB")
                kept.write(block)
    except DocumentError as wrong:
        return wrong
    kept.seek(0)
    return kept
