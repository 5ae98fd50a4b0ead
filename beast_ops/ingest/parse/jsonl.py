# SPDX-License-Identifier: Apache-2.0
"""Read JSON lines: a paragraph per record."""

from pathlib import Path

from beast_ops.ingest.text import clean, read_text

from .flatten import record
from .formats import Parser
from .json import loads
from .model import Document, Section


def read(path: Path, parser: Parser) -> Document:
    """Return the records in the file at *path*; a line that is no JSON is kept as it is.

    Raises:
        DocumentError: If it is not text.
        OSError: If it cannot be read.
    """
    paragraphs = (_paragraph(line) for line in read_text(path).split("\n"))
    return Document(parser.type, None, (Section((), "\n\n".join(filter(None, paragraphs))),))


def _paragraph(line: str) -> str:
    if not line.strip():
        return ""
    try:
        return clean(record(loads(line)))
    except ValueError:
        return line.strip()
