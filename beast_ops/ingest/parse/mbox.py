# SPDX-License-Identifier: Apache-2.0
"""Read mailboxes: a section per message."""

import re
from collections.abc import Iterator
from pathlib import Path

from beast_ops.errors import DocumentError

from .formats import Parser
from .mail import mail_of
from .model import TEXT_BYTES, TOO_LARGE, Document, Section

# RFC 4155, Appendix A: a line that begins so, with a time at its end, begins a message.
_BEGINNING = re.compile(rb"From [^\n]{0,200}\d\d:\d\d")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read(path: Path, parser: Parser) -> Document:
    """Return the mailbox at *path*.

    Raises:
        DocumentError: If it is none, or holds more text than a document may.
        OSError: If it cannot be read.
    """
    sections: list[Section] = []
    missed = total = 0
    for data in _messages(path):
        try:
            section = mail_of(_QUOTED.sub(rb"\1", data)).section
        except (DocumentError, RecursionError):
            missed += 1  # a bad message costs only itself
            continue
        total += len(section.text)
        if total > TEXT_BYTES:
            raise DocumentError(TOO_LARGE)
        sections.append(section)
    note = f"{missed} of {missed + len(sections)} messages cannot be read" if missed else None
    return Document(parser.type, None, tuple(sections), note=note)


def _messages(path: Path) -> Iterator[bytes]:
    """Yield each message without the line above it; mailboxes may be larger than memory."""
    lines: list[bytes] = []
    after_empty = True
    with path.open("rb") as file:
        if not _BEGINNING.match(file.readline(1000)):
            raise DocumentError("not a mailbox: it does not begin with a message")
        file.seek(0)
        file.readline()
        for line in file:
            if after_empty and _BEGINNING.match(line):
                yield b"".join(lines)
                lines = []
            else:
                lines.append(line)
            after_empty = line in {b"\n", b"\r\n"}
    yield b"".join(lines)
