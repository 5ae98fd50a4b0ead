# SPDX-License-Identifier: Apache-2.0
"""Read plain text, and source code that is kept as it is."""

from pathlib import Path

from beast_ops.ingest.text import read_text

from .formats import Parser
from .model import Document, Section


def read(path: Path, parser: Parser) -> Document:
    """Return the file at *path* as one section; raises as `read_text` does."""
    return Document(parser.type, None, (Section((), read_text(path)),))
