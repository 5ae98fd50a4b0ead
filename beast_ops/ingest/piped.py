# SPDX-License-Identifier: Apache-2.0
"""A document that comes through a pipe, under a name that was given to it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from beast_ops.errors import UsageError

from .found import FoundDocument
from .sources import PIPE, uri

STANDARD_INPUT = "-"
PIPED_BYTES = 1 << 30
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PipedDocument(FoundDocument):
    """What came, kept in the file `path`; its time is made of its content."""

    name: str = ""

    def source(self, host: str) -> str:
        """Return its name on *host*."""
        return uri(host, f"/{self.name}", PIPE)


def version(digest: bytes) -> int:
    """Return what stands for the time of writing where only the content, by its hash, is known."""
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def piped(stream: IO[bytes], name: str, most: int = PIPED_BYTES) -> Iterator[PipedDocument]:
    """Keep what *stream* brings in a file until this is left.

    Args:
        stream: Read to its end.
        name: What the document is called; its suffix decides how it is read.
        most: How many bytes it may bring.

    Raises:
        UsageError: If the name is none, or more comes.
    """
    name = name.strip().lstrip("/")
    if not name:
        raise UsageError(
            "a document that is piped in has no name of its own",
            subject=STANDARD_INPUT,
            hint="Give it one, whose suffix says what it is: --name notes.md",
        )
    with TemporaryDirectory(prefix="beast-piped-") as folder:
        path, size, sha256 = Path(folder) / "content", 0, hashlib.sha256()
        with path.open("wb") as file:
            while block := stream.read(BLOCK_BYTES):
                size += len(block)
                if size > most:
                    raise UsageError(f"more than {most >> 20} MiB came", subject=name)
                sha256.update(block)
                file.write(block)
        yield PipedDocument(str(path), size, version(sha256.digest()), name)
