# SPDX-License-Identifier: Apache-2.0
"""Open a document once, hash it and have it read: the same file, whatever its name becomes.

Between the listing of a folder and the reading of a file, the file may become a pipe, on which
one would wait for ever, or a link to what is not for everybody.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from beast_ops.errors import DocumentError
from beast_ops.hashing import BLOCK_BYTES, sha256_from

from .find import LEADS_OUT, within
from .manifest import DocumentEntry


class Content(NamedTuple):
    """A document's content as an open file, and a path by which other processes reach it."""

    entry: DocumentEntry
    file: FileIO
    path: Path
    sha256: str


def open_content(path: Path, name: str, inside: str | None = None) -> FileIO:
    """Open the file at *path* without ever waiting for it.

    Args:
        path: Where it is.
        name: What its owner calls it.
        inside: The folder, free of links, that it must not lead out of, if there is one.

    Raises:
        DocumentError: If it cannot be opened, is no file or lies elsewhere.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except FileNotFoundError as gone:
        raise DocumentError("it vanished before it was read", subject=name) from gone
    except OSError as failed:
        raise DocumentError(f"cannot be read: {failed.strerror}", subject=name) from failed
    reason = ""
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        reason = "it is not a file any more"
    elif inside is not None and not within(_true_path(handle, path), inside):
        reason = LEADS_OUT
    if reason:
        os.close(handle)
        raise DocumentError(reason, subject=name)
    return os.fdopen(handle, "rb", buffering=0)


def digest(file: FileIO, name: str, check: Callable[[], None], size: int = BLOCK_BYTES) -> str:
    """Return the SHA-256 of *file*, calling *check* now and then, which may raise.

    Args:
        file: The file.
        name: What its owner calls it.
        check: What to call.
        size: How many bytes it probably has.

    Raises:
        DocumentError: If it cannot be read.
    """

    def fill(block: memoryview) -> int:
        try:
            return file.readinto(block)
        except OSError as failed:
            raise DocumentError(f"cannot be read: {failed.strerror}", subject=name) from failed

    return sha256_from(fill, check, size)


def path_to(file: FileIO, path: Path) -> Path:
    """Return a path that leads to the open *file* itself where there is one, else *path*."""
    own = _own(file.fileno())
    return own if own.exists() else path


def _true_path(handle: int, path: Path) -> str:
    """Return where the open file lies; asking by name would let it change meanwhile."""
    try:
        return str(_own(handle).readlink())
    except OSError:  # not on Linux
        return os.path.realpath(path)


def _own(handle: int) -> Path:
    return Path(f"/proc/{os.getpid()}/fd/{handle}")


@contextmanager
def closing_all(files: Collection[BinaryIO]) -> Iterator[None]:
    """Close, at the end, what is in *files* by then."""
    try:
        yield
    finally:
        for file in files:
            file.close()
