# SPDX-License-Identifier: Apache-2.0
"""Read plain text, and source code that is kept as it is."""

from pathlib import Path

from beast_ops.ingest.text import read_text

from .model import Document, Section


def read(path: Path, kind: str) -> Document:
    """Return the file at *path* as one section; raises as `read_text` does."""
    return Document(kind, None, (Section((), read_text(path)),))
