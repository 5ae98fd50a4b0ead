# SPDX-License-Identifier: Apache-2.0
"""Read an archive from front to end, and believe it only when its end is reached."""

import json
import tarfile
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self, cast

from .entries import HEADER, MANIFEST, PROOF, Entry, Kind, differs, judge, read_line
from .hashing import Passing
from .shape import Shape
from .tape import CHUNK, ReadingTape, damaged
from .writer import SPOOL_BYTES, entry_of

SMALL_BYTES = 64 << 20  # the header and the proof are read into memory


@dataclass(frozen=True, slots=True)
class Summary:
    """What a whole archive is.

    Attributes:
        header: What it said it would hold.
        proof: What a restore must find.
        entries: How many members it has.
        size: The bytes of all its files.
    """

    header: dict[str, Any]
    proof: dict[str, Any]
    entries: int
    size: int


class Member:
    """One member, whose content can be read once."""

    def __init__(
        self, info: tarfile.TarInfo, kind: Kind, file: IO[bytes] | None, aside: Executor
    ) -> None:
        """Wrap *file*, the content of *info*, which is hashed *aside*."""
        self.info, self.kind = info, kind
        self._file, self._sum, self._read = file, Passing(aside), 0

    @property
    def name(self) -> str:
        """Its name in the archive."""
        return self.info.name

    def read(self, size: int = CHUNK) -> bytes:
        """Return *size* bytes of it, or fewer at its end."""
        data = self._file.read(size) if self._file else b""
        self._sum.update(data)
        self._read += len(data)
        return data

    def entry(self) -> Entry:
        """Read the rest; return what the archive has of it."""
        while self._read < self.info.size and self.read():
            pass
        if self._file and self._read != self.info.size:
            raise damaged(f"{self.name!r} is shorter than announced")
        sha256 = self._sum.hexdigest() if self.kind == "file" else ""
        size = self.info.size if self.kind == "file" else 0
        return entry_of(self.info, int(self.info.mtime) * 10**9, sha256, size)


class ArchiveReader:
    """An archive being read; `members` first, then `finish`, which tells whether it is whole."""

    def __init__(self, raw: IO[bytes]) -> None:
        """Read from *raw*, which stays open."""
        self._tape = ReadingTape(raw)
        self._aside = ThreadPoolExecutor(1)
        self._found = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed with us
        self._manifest = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - likewise
        self._tar: tarfile.TarFile | None = None
        self._shape = Shape()
        self._small: dict[str, dict[str, Any]] = {}
        self._entries = self._size = 0
        self._over = self._ended = False

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of everything."""
        self._tape.close()
        self._aside.shutdown()
        self._found.close()
        self._manifest.close()

    def header(self) -> dict[str, Any]:
        """Return the header, which nothing vouches for yet.

        Raises:
            ArchiveError: If it does not begin with one.
        """
        if HEADER not in self._small:
            member = self._next()
            if member is None or member.name != HEADER:
                raise damaged("it does not begin with a header")
            self._keep_small(member)
        return self._small[HEADER]

    def members(self) -> Iterator[Member]:
        """Yield every member but header, proof and manifest, in order.

        Raises:
            ArchiveError: If the archive is damaged, or has a member it may not have.
        """
        self.header()
        while (member := self._next()) is not None:
            if member.name == MANIFEST:
                self._over = True
                while data := member.read():
                    self._manifest.write(data)
            elif self._over:
                raise damaged("something follows its manifest")
            elif member.name == HEADER:
                raise damaged("it has two headers")
            elif member.name == PROOF:
                self._keep_small(member)
            elif PROOF in self._small:
                raise damaged("something follows its proof")
            else:
                self._shape.take(member.info, member.kind)
                yield member
                self._note(member)

    def finish(self) -> Summary:
        """Read to the end; return what the archive is.

        Raises:
            ArchiveError: If it is not whole.
        """
        if not self._ended:
            for _ in self.members():
                pass
        self._tape.finish()
        if not self._over:
            raise damaged("it has no manifest")
        if PROOF not in self._small:
            raise damaged("it has no proof")
        for said, found in zip(self.entries(), self._lines(self._found), strict=True):
            if differs(said, found):
                raise damaged(f"{found.path!r} is not what its manifest says")
        return Summary(self._small[HEADER], self._small[PROOF], self._entries, self._size)

    def entries(self) -> Iterator[Entry]:
        """Yield what the manifest says, once `members` has come to its end.

        Raises:
            ArchiveError: If it names more members than there are, or fewer.
        """
        number = 0
        for number, entry in enumerate(self._lines(self._manifest), 1):
            if number > self._entries:
                break
            yield entry
        if number != self._entries:
            raise damaged("its manifest names other members than it has")

    def _lines(self, file: IO[bytes]) -> Iterator[Entry]:
        file.seek(0)
        for line in file:
            yield read_line(line)

    def _next(self) -> Member | None:
        try:
            if self._tar is None:
                tape = cast("IO[bytes]", self._tape)
                with self._tape.briefly():
                    self._tar = tarfile.open(fileobj=tape, mode="r:")  # noqa: SIM115 - has nothing to close
            with self._tape.briefly():
                info = self._tar.next()
        except (tarfile.TarError, ValueError, OverflowError, EOFError) as wrong:
            raise damaged("it is no tar archive, or ends too early") from wrong
        if info is None:
            self._ended = True
            return None
        cast(Any, self._tar).members.clear()  # tarfile would keep them all in memory
        kind = judge(info)
        file = self._tar.extractfile(info) if kind == "file" else None
        # What is below the buffer, which would only copy once more.
        return Member(info, kind, cast(Any, file).raw if file else None, self._aside)

    def _note(self, member: Member) -> None:
        try:
            entry = member.entry()
        except (tarfile.TarError, EOFError) as wrong:
            raise damaged(f"{member.name!r} cannot be read") from wrong
        self._found.write(entry.line())
        self._entries += 1
        self._size += entry.size

    def _keep_small(self, member: Member) -> None:
        if member.info.size > SMALL_BYTES:
            raise damaged(f"{member.name!r} is too large")
        content = member.read(member.info.size)
        self._note(member)
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            raise damaged(f"{member.name!r} is no JSON") from None
        if not isinstance(found, dict):
            raise damaged(f"{member.name!r} is no JSON object")
        self._small[member.name] = found


def verify(raw: IO[bytes]) -> Summary:
    """Read the whole archive in *raw* and return what it is; constant memory.

    Raises:
        ArchiveError: If it is not whole: sealed, as written, and every member as the manifest says.
        OSError: If it cannot be read.
    """
    with ArchiveReader(raw) as reader:
        return reader.finish()
