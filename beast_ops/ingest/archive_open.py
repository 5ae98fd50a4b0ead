# SPDX-License-Identifier: Apache-2.0
"""Go through an archive from its beginning to its end, never holding or making more than allowed.

What an archive says of itself is not believed: what comes out is counted.
"""

import bz2
import gzip
import io
import lzma
import stat
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO, Any, NamedTuple, cast

from beast_ops.errors import DocumentError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MEMBERS_MOST = 10_000
MEMBER_BYTES = 256 << 20
TOTAL_BYTES = 8 << 30
RATIO = 200
UNSUSPICIOUS_BYTES = 64 << 20  # so much may come out of an archive of any size
DIRECTORY_BYTES = 16 << 20
HEADER_BYTES = 1 << 20
XZ_BYTES = 256 << 20
END_OF_ZIP = b"PK\x05\x06"
END_BYTES, COMMENT_BYTES = 22, 0xFFFF
METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
ENCRYPTED = 1
_META = frozenset({b"x", b"g", b"X", b"L", b"K"})  # members that describe the one that follows

_FAULTS = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, zstd.ZstdError),
    *(EOFError, ValueError, RuntimeError, OverflowError, struct.error),
)


class Item(NamedTuple):
    """One member as it comes: its name, its size in bytes, what it is, how to read it."""

    name: str
    size: int
    problem: str
    is_file: bool
    open: Callable[[], IO[bytes]]


def most_of(size: int) -> int:
    """Return how many bytes may come out of an archive of *size* bytes."""
    return min(TOTAL_BYTES, max(UNSUSPICIOUS_BYTES, RATIO * size))


def items(file: IO[bytes], size: int) -> Iterator[Item]:
    """Yield the members of the archive in *file*, which has *size* bytes, in their order.

    Each may be read until the next is asked for.

    Raises:
        DocumentError: If it is no archive, is damaged, or is a bomb.
        OSError: If it cannot be read.
    """
    with whole("this archive is damaged"):
        head = file.read(6)
        file.seek(0)
        yield from _zip(file, size) if head[:2] == b"PK" else _tar(_opened(file, head), size)


@contextmanager
def whole(reason: str) -> Iterator[None]:
    """Turn what the unpackers raise over damage into a `DocumentError` for this *reason*."""
    try:
        yield
    except _FAULTS as wrong:
        raise DocumentError(f"{reason} ({type(wrong).__name__})") from wrong
    except OSError as wrong:
        if wrong.errno is not None:
            raise
        raise DocumentError(f"{reason} ({type(wrong).__name__})") from wrong  # of gzip and bz2


def _zip(file: IO[bytes], size: int) -> Iterator[Item]:
    _judge_directory(file, size)
    with zipfile.ZipFile(file) as archive:
        listed = archive.infolist()
        if sum(each.file_size for each in listed) > most_of(size):
            raise bomb()
        for info in listed:
            mode = info.external_attr >> 16
            is_file = not info.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFREG)
            problem = ""
            if info.flag_bits & ENCRYPTED:
                problem = "encrypted"
            elif info.compress_type not in METHODS:
                problem = "packed in a way that is not supported"
            yield Item(info.filename, info.file_size, problem, is_file, partial(archive.open, info))


def _judge_directory(file: IO[bytes], size: int) -> None:
    """Refuse a directory that is too long to be read into memory."""
    file.seek(max(0, size - END_BYTES - COMMENT_BYTES))
    tail = file.read(END_BYTES + COMMENT_BYTES)
    end = tail[tail.rfind(END_OF_ZIP) :]
    count, length = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if count > MEMBERS_MOST or length > DIRECTORY_BYTES:
        raise too_many()
    file.seek(0)


def bomb() -> DocumentError:
    """Return the error of an archive out of which too much would come."""
    return DocumentError("far more would come out of this archive than it seems to hold")


def too_many() -> DocumentError:
    """Return the error of an archive with too many members."""
    return DocumentError(f"this archive has more than {MEMBERS_MOST} members")


class _Info(tarfile.TarInfo):
    """A member whose descriptions are short enough to be read into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "_Info":
        info = super().frombuf(buf, encoding, errors)
        if info.type in _META and info.size > HEADER_BYTES:
            raise DocumentError("this archive is damaged (a header of an absurd length)")
        return info


def _tar(unpacked: IO[bytes], size: int) -> Iterator[Item]:
    counted = io.BufferedReader(_Counted(unpacked, most_of(size)), 1 << 16)
    with (
        counted,
        tarfile.open(mode="r|", fileobj=counted, tarinfo=_Info) as archive,
    ):
        for info in archive:
            odd = not (info.isfile() or info.isdir() or info.issym() or info.islnk())
            problem = "not a file but something special" if odd else ""
            yield Item(
                info.name, info.size, problem, info.isfile() or odd, partial(_member, archive, info)
            )


def _member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(info)
    if file is None:
        raise DocumentError("not a file")
    return file


class _Counted(io.RawIOBase):
    """A stream that does not give more than it may."""

    def __init__(self, file: IO[bytes], most: int) -> None:
        super().__init__()
        self._file, self._left = file, most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._file.read(len(view))
        self._left -= len(data)
        if self._left < 0:
            raise bomb()
        view[: len(data)] = data
        return len(data)


class _Xz(io.RawIOBase):
    """What is packed by xz, unless that takes more memory than it should."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._unpack = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        while not self._unpack.eof:
            more = self._file.read(1 << 16) if self._unpack.needs_input else b""
            if self._unpack.needs_input and not more:
                raise EOFError
            if data := self._unpack.decompress(more, len(view)):
                view[: len(data)] = data
                return len(data)
        return 0


def _opened(file: IO[bytes], head: bytes) -> IO[bytes]:
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(file)
    if head.startswith(b"\xfd7zXZ"):
        return io.BufferedReader(_Xz(file))
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return cast("IO[bytes]", zstd.ZstdFile(file))
    return file
