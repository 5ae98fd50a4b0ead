# SPDX-License-Identifier: Apache-2.0
"""Streams through programs of the host: what is written to them, and what is read from them.

Whatever fails meanwhile ends the program, before it could take what it got for everything.
"""

import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO

from beast_ops.errors import ArchiveError, CommandError

from .tape import Sink

END_SECONDS = 3600.0  # restic over a slow line still sends what it has read
TOLD_CHARACTERS = 600


@contextmanager
def written(argv: Sequence[str], stdout: int = subprocess.DEVNULL) -> Iterator[Sink]:
    """Yield the standard input of the program *argv*, and wait for its end.

    Raises:
        CommandError: If it is not installed, or ends badly.
    """
    process = _started(argv, stdin=subprocess.PIPE, stdout=stdout)
    try:
        yield process.stdin  # type: ignore[misc] # there is one, as asked for
        _, said = process.communicate(timeout=END_SECONDS)
    except BrokenPipeError:
        said = process.stderr.read() if process.stderr else b""
        raise CommandError(f"{argv[0]} failed: {_told(said)}") from None
    except subprocess.TimeoutExpired as late:
        raise CommandError(f"{argv[0]} does not end") from late
    finally:
        _end(process)
    if process.returncode:
        raise CommandError(f"{argv[0]} failed: {_told(said)}")


@contextmanager
def decrypted(raw: IO[bytes], identity: str, name: str) -> Iterator[IO[bytes]]:
    """Yield what age makes of *raw* with the key file *identity*.

    Raises:
        ArchiveError: If it cannot be opened with that; *name* says what.
        CommandError: If age is not installed.
    """
    argv = ["age", "--decrypt", "--identity", identity]
    process = _started(argv, stdin=raw, stdout=subprocess.PIPE)
    try:
        yield process.stdout  # type: ignore[misc] # there is one, as asked for
    except ArchiveError as wrong:
        process.kill()
        said = _told(process.stderr.read() if process.stderr else b"")
        if said:
            raise ArchiveError(f"age cannot open it: {said}", subject=name) from wrong
        raise
    finally:
        _end(process)


def _started(
    argv: Sequence[str], *, stdin: int | IO[bytes], stdout: int
) -> "subprocess.Popen[bytes]":
    try:
        return subprocess.Popen(
            [shutil.which(argv[0]) or argv[0], *argv[1:]],
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
    except OSError as missing:
        raise CommandError(
            f"{argv[0]} is not installed", hint=f"Debian and Ubuntu: apt install {argv[0]}"
        ) from missing


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a program that has not ended yet, and close what led to it."""
    process.kill()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):  # what was still to be written finds nobody
                stream.close()
    process.wait()


def _told(said: bytes) -> str:
    return " ".join(said.decode(errors="replace").split())[-TOLD_CHARACTERS:]
