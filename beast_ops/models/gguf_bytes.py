# SPDX-License-Identifier: Apache-2.0
"""The bytes of a model file, read forwards, a bounded piece at a time."""

import os
import stat
import struct
from pathlib import Path
from typing import Any, Self

from beast_ops.errors import ModelError

PIECE_BYTES = 64 << 10
MOST_TEXTS = 1 << 21  # that are passed over one by one: the largest vocabularies have 10**6
LENGTH = 8


class Bytes:
    """A file that is read once, from its beginning; what is skipped is never in memory."""

    def __init__(self, path: Path) -> None:
        """Open *path*.

        Raises:
            ModelError: If it is no regular file.
            OSError: If it cannot be opened.
        """
        self._path, self._texts = path, MOST_TEXTS
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode):
            os.close(self._file)
            raise self.wrong("is no regular file")
        self.size = status.st_size
        self._order = "<"
        self._piece, self._start, self._at = b"", 0, 0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        os.close(self._file)

    @property
    def left(self) -> int:
        """How many bytes follow."""
        return self.size - self._start - self._at

    def wrong(self, what: str) -> ModelError:
        """Return the error that this file *what*."""
        return ModelError(
            f"this file {what}", subject=str(self._path), hint="Fetch the model again."
        )

    def settle_order(self) -> None:
        """Find out from the version that follows in which order the bytes of numbers stand."""
        if self.left >= 4 and not any(self._peek(4)[:2]):  # noqa: PLR2004 - bytes of the version
            self._order = ">"

    def number(self, count: int, kind: str) -> Any:
        """Return the number in the next *count* bytes, of that *kind* of `struct`."""
        return struct.unpack(self._order + kind, self.take(count))[0]

    def text(self, most: int) -> str:
        """Return the text that follows.

        Raises:
            ModelError: If it is longer than *most* bytes.
        """
        length = self.number(LENGTH, "Q")
        if length > most:
            raise self.wrong(f"has a text of {length} bytes where {most} are the most")
        return self.take(length).decode("utf-8", "replace")

    def skip_text(self) -> None:
        """Pass over one text."""
        self.skip(self.number(LENGTH, "Q"))

    def skip_texts(self, count: int) -> None:
        """Pass over *count* texts.

        Raises:
            ModelError: If they cannot be that many.
        """
        if count * LENGTH > self.left or count > self._texts:
            raise self.wrong(f"counts {count} texts")
        self._texts -= count
        unpack = struct.Struct(self._order + "Q").unpack_from
        while count:
            piece, at, last = self._piece, self._at, len(self._piece) - LENGTH
            while count and at <= last:
                at += LENGTH + unpack(piece, at)[0]
                count -= 1
            self.skip(at - self._at)
            if count:
                self._peek(LENGTH)

    def skip(self, count: int) -> None:
        """Pass over *count* bytes."""
        if count > self.left:
            raise self._cut()
        self._at += count
        if self._at > len(self._piece):
            self._start, self._at, self._piece = self._start + self._at, 0, b""

    def take(self, count: int) -> bytes:
        """Return the next *count* bytes.

        Raises:
            ModelError: If the file ends before.
        """
        found = self._peek(count)
        self._at += count
        return found

    def _peek(self, count: int) -> bytes:
        if self._at + count > len(self._piece):
            if count > self.left:
                raise self._cut()
            self._start, self._at = self._start + self._at, 0
            self._piece = os.pread(self._file, max(count, PIECE_BYTES), self._start)
            if len(self._piece) < count:
                raise self._cut()
        return self._piece[self._at : self._at + count]

    def _cut(self) -> ModelError:
        return self.wrong("is cut off")
