# SPDX-License-Identifier: Apache-2.0
"""Write an archive in one pass: header first, then members, then the manifest of all of them."""

import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from beast_ops.errors import ArchiveError
from beast_ops.vectors.copying import extents
from beast_ops.vectors.sparse_tar import Pieces, chart

from .entries import HEADER, KINDS, MANIFEST, PROOF, Entry, stays_inside
from .hashing import Passing
from .holes import HOLES_BYTES, size_of, stored
from .tape import CHUNK, HEAD_BYTES, Sink, WritingTape

PRIVATE = 0o600
SPOOL_BYTES = 8 << 20  # of the manifest in memory; what is beyond lies in a file
BLOCK = 512
CHART_BYTES = HEAD_BYTES // 2  # who reads takes no longer head of a member


class ArchiveWriter:
    """An archive being written; sealed by `finish`, worthless without.

    Attributes:
        left_out: Names of what could not be kept, and why.
    """

    def __init__(self, raw: Sink, header: Mapping[str, Any], *, compress: bool = True) -> None:
        """Begin an archive on *raw* with its *header*, which says what will follow."""
        self._tape = WritingTape(raw, compress=compress)
        self._aside = ThreadPoolExecutor(1)
        tape = cast("IO[bytes]", self._tape)  # as much of one as tarfile needs
        self._tar = tarfile.TarFile(
            fileobj=tape, mode="w", format=tarfile.PAX_FORMAT, copybufsize=CHUNK
        )
        self._manifest = tempfile.SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - closed with us
        self._seen: dict[tuple[int, int], str] = {}
        self.left_out: list[str] = []
        self.files = self.bytes = self._holes = 0
        self.add_bytes(HEADER, json.dumps(dict(header), indent=2).encode())

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of everything; what is not sealed is no backup."""
        self._tape.stop()
        self._aside.shutdown()
        self._manifest.close()

    def add_bytes(self, name: str, content: bytes, mode: int = PRIVATE) -> None:
        """Add a file called *name* that holds *content*."""
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = len(content), mode, int(time.time())
        if hasattr(os, "getuid"):
            info.uid, info.gid = os.getuid(), os.getgid()
        self._add(info, info.mtime * 10**9, io.BytesIO(content))

    def add_stream(self, name: str, size: int, stream: Iterable[bytes]) -> str:
        """Add a file of *size* bytes that come as *stream*; return its SHA-256, hexadecimal.

        Raises:
            ArchiveError: If there are fewer or more.
        """
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, PRIVATE, int(time.time())
        content = Pieces(iter(stream))
        found = self._add(info, info.mtime * 10**9, cast("IO[bytes]", content))
        if content.read(1):
            raise ArchiveError("more came than was announced", subject=name)
        return found

    def add_tree(
        self,
        path: Path,
        name: str,
        skip: Callable[[str], bool] = lambda _: False,
        *,
        links: int = 1,
    ) -> None:
        """Add the folder at *path* with all below it as *name*; what changes meanwhile is an error.

        Args:
            path: The folder.
            name: What it is called in the archive.
            skip: Says of a path below the folder that it is not wanted.
            links: How many names a file has that has no other one in the folder.

        Raises:
            OSError: If something cannot be read.
            ArchiveError: If a file was shortened while it was read.
        """
        self._add_folder(os.lstat(path), name)
        for found in _below(path):
            inner = os.path.relpath(found, path)
            if not skip(inner):
                self.add_path(Path(found), f"{name}/{inner}", links=links)

    def add_path(self, path: Path, name: str, *, links: int = 1) -> None:
        """Add the file, link or folder at *path*, without what is below, as *name*."""
        status = os.lstat(path)
        if stat.S_ISDIR(status.st_mode):
            self._add_folder(status, name)
        elif stat.S_ISLNK(status.st_mode):
            self._add_link(path, status, name)
        elif stat.S_ISREG(status.st_mode):
            self.add_file(path, name, links=links)
        else:
            self.left_out.append(f"{name}: neither file nor folder nor link")

    def add_file(
        self, path: Path, name: str, kept: os.stat_result | None = None, *, links: int = 1
    ) -> None:
        """Add the file at *path* as *name*, its holes as holes; *kept* says whose it really is."""
        with path.open("rb", buffering=0) as file:
            status = os.fstat(file.fileno())
            info = _info(name, kept or status)
            again = (status.st_dev, status.st_ino)
            if again in self._seen:
                info.type, info.linkname = tarfile.LNKTYPE, self._seen[again]
                self._note(info, status.st_mtime_ns, "", 0)
                self._tar.addfile(info)
            else:
                if status.st_nlink > links:
                    self._seen[again] = name
                info.size = status.st_size
                self._add_content(info, (kept or status).st_mtime_ns, file, status)

    def finish(self, proof: Mapping[str, Any]) -> str:
        """Add what a restore must find, then the manifest, then the trailer.

        Returns:
            SHA-256 of the whole archive without its trailer, hexadecimal.
        """
        self.add_bytes(PROOF, json.dumps(dict(proof), indent=2).encode())
        size = self._manifest.tell()
        self._manifest.seek(0)
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = size, PRIVATE
        self._tar.addfile(info, cast("IO[bytes]", self._manifest))
        self._tar.close()
        return self._tape.seal()

    def _add_content(
        self, info: tarfile.TarInfo, mtime: int, file: IO[bytes], status: os.stat_result
    ) -> None:
        sparse = status.st_blocks * BLOCK < status.st_size
        data = list(extents(file.fileno(), status.st_size)) if sparse else []
        size, table = info.size, chart(data, info.size)
        if not sparse or data == [(0, size)] or len(table) > CHART_BYTES:
            os.lseek(file.fileno(), 0, os.SEEK_SET)  # looking for holes moved it
            self._add(info, mtime, file)
            return
        if self._holes + size_of(data, size) > HOLES_BYTES:
            self.left_out.append(f"{info.name}: its holes are larger than an archive may have")
            return
        self._holes += size_of(data, size)
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": info.name,
            "GNU.sparse.realsize": str(size),
        }
        info.size = len(table) + sum(end - start for start, end in data)
        whole = hashlib.sha256()
        content = stored(file.fileno(), data, size, whole)
        self._put(info, cast("IO[bytes]", Pieces(chain([table], content))))
        for _ in content:  # nothing comes any more, but the hole at the end is still to be told
            pass
        self._note(info, mtime, whole.hexdigest(), size)

    def _add(self, info: tarfile.TarInfo, mtime: int, file: IO[bytes]) -> str:
        content = _Hashing(file, self._aside)
        self._put(info, cast("IO[bytes]", content))
        self._note(info, mtime, content.hexdigest(), info.size)
        return content.hexdigest()

    def _put(self, info: tarfile.TarInfo, file: IO[bytes]) -> None:
        try:
            self._tar.addfile(info, file)
        except OSError as failed:
            if failed.errno is None:  # tarfile's own, for a file that ended too early
                raise ArchiveError(
                    "a file was shortened while it was read", subject=info.name
                ) from failed
            raise

    def _add_folder(self, status: os.stat_result, name: str) -> None:
        info = _info(name, status)
        info.type = tarfile.DIRTYPE
        self._tar.addfile(info)
        self._note(info, status.st_mtime_ns, "", 0)

    def _add_link(self, path: Path, status: os.stat_result, name: str) -> None:
        target = os.readlink(path)  # noqa: PTH115 - the text, with whatever bytes it holds
        if not stays_inside(name, target):
            self.left_out.append(f"{name}: a link that leads out of its folder, to {target}")
            return
        info = _info(name, status)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self._tar.addfile(info)
        self._note(info, status.st_mtime_ns, "", 0)

    def _note(self, info: tarfile.TarInfo, mtime: int, sha256: str, size: int) -> None:
        entry = entry_of(info, mtime, sha256, size)
        self._manifest.write(entry.line())
        self.files += 1
        self.bytes += size
        cast(Any, self._tar).members.clear()  # tarfile would keep them all in memory


def entry_of(info: tarfile.TarInfo, mtime: int, sha256: str, size: int) -> Entry:
    """Return the entry of a member, its content known."""
    return Entry(
        path=info.name,
        kind=KINDS[info.type],
        size=size,
        sha256=sha256,
        mode=info.mode,
        uid=info.uid,
        gid=info.gid,
        mtime=mtime,
        target=info.linkname,
    )


def _info(name: str, status: os.stat_result) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode = stat.S_IMODE(status.st_mode)
    info.uid, info.gid = status.st_uid, status.st_gid
    info.mtime = status.st_mtime_ns // 10**9
    return info


def _below(path: Path) -> Iterator[str]:
    """Yield every path below *path*: a folder before what it holds, names in order."""
    waiting = [iter(_names(os.fspath(path)))]
    while waiting:
        found = next(waiting[-1], None)
        if found is None:
            waiting.pop()
            continue
        yield found
        if stat.S_ISDIR(os.lstat(found).st_mode):
            waiting.append(iter(_names(found)))


def _names(folder: str) -> list[str]:
    return sorted(os.path.join(folder, name) for name in os.listdir(folder))  # noqa: PTH118, PTH208 - a million names


class _Hashing:
    """A file being read, hashed on the way."""

    def __init__(self, file: IO[bytes], aside: Executor) -> None:
        self._file, self._sum = file, Passing(aside)

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._sum.update(data)
        return data

    def hexdigest(self) -> str:
        return self._sum.hexdigest()
