# SPDX-License-Identifier: Apache-2.0
"""The last lines of rotated logs, and the next ones as they come."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Self

from beast_ops.clock import SYSTEM, Clock

BLOCK = 64 * 1024
POLL_SECONDS = 0.25


def last(path: Path, lines: int) -> list[str]:
    """Return the last *lines* lines of the log *path* and, if it is short, of its predecessor."""
    with _Log(path) as log:
        return log.last(lines)


def read(logs: Mapping[str, Path], lines: int) -> Iterator[str]:
    """Yield the last *lines* lines of each of *logs*, with its name first if there are several."""
    for name, path in logs.items():
        for line in last(path, lines):
            yield _labelled(name, line, logs)


def follow(logs: Mapping[str, Path], lines: int, clock: Clock = SYSTEM) -> Iterator[str]:
    """Yield what `read` does, then every new line, until Ctrl-C or the caller closes it."""
    opened = {name: _Log(path) for name, path in logs.items()}
    try:
        for name, log in opened.items():
            for line in log.last(lines):
                yield _labelled(name, line, logs)
        while True:
            fresh = [(name, line) for name, log in opened.items() for line in log.fresh()]
            for name, line in fresh:
                yield _labelled(name, line, logs)
            if not fresh:
                clock.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return
    finally:
        for log in opened.values():
            log.close()


def _labelled(name: str, line: str, logs: Mapping[str, Path]) -> str:
    return line if len(logs) == 1 else f"{name:<{max(map(len, logs))}} | {line}"


class _Log:
    """One log: a file that grows, and is from time to time moved away and begun anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = self._opened()
        self._begun = b""  # a line whose end is not written yet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def last(self, lines: int) -> list[str]:
        """Return the last *lines* lines and stand at the end of the last complete one."""
        if lines <= 0 or not self._file:
            if self._file:
                self._file.seek(0, os.SEEK_END)
            return []
        content = _tail(self._file, lines)
        if content.count(b"\n") <= lines:  # all there is; its first line may have begun before it
            content = self._predecessor(lines) + content
        found = content.splitlines(keepends=True)
        if found and not found[-1].endswith(b"\n"):
            self._begun = found.pop()
        return [_text(line) for line in found[-lines:]]

    def fresh(self) -> list[str]:
        """Return the lines completed since, across a rotation."""
        content = self._grown()
        if self._replaced():
            content += self._grown()  # written between the look at it and its move
            self.close()
            self._file = self._opened()
            content += self._grown()
        whole, end, self._begun = (self._begun + content).rpartition(b"\n")
        return [_text(line) for line in (whole + end).splitlines()]

    def _grown(self) -> bytes:
        if not self._file:
            return b""
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)  # somebody emptied it
        return self._file.read()

    def _replaced(self) -> bool:
        try:
            now = self._path.stat()
        except OSError:
            return False
        return not self._file or not os.path.samestat(now, os.fstat(self._file.fileno()))

    def _predecessor(self, lines: int) -> bytes:
        """Return the end of the log before this one, which a rotation may have moved on again."""
        for number in (1, 2):
            with (
                suppress(OSError),
                self._path.with_name(f"{self._path.name}.{number}").open("rb") as file,
            ):
                if not self._file or not os.path.sameopenfile(file.fileno(), self._file.fileno()):
                    return _tail(file, lines)
        return b""

    def _opened(self) -> BinaryIO | None:
        try:
            return self._path.open("rb")
        except OSError:
            return None


def _tail(file: BinaryIO, lines: int) -> bytes:
    """Return the end of *file* that holds at least *lines* lines, reading it backwards."""
    start = file.seek(0, os.SEEK_END)
    content = b""
    while start > 0 and content.count(b"\n") <= lines:
        length = min(BLOCK, start)
        start -= length
        file.seek(start)
        content = file.read(length) + content
    return content


def _text(line: bytes) -> str:
    return line.decode(errors="replace").rstrip("\r\n")
