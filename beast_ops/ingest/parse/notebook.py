# SPDX-License-Identifier: Apache-2.0
"""Read Jupyter notebooks: what was written in the cells, not what came out."""

from pathlib import Path
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean, read_text

from .formats import Parser
from .json import loads
from .markdown import headings
from .model import About, Document
from .outline import cut

DAMAGED = "damaged notebook: its JSON cannot be read"


def read(path: Path, parser: Parser) -> Document:
    """Return the notebook at *path*.

    Raises:
        DocumentError: If it is not one.
        OSError: If it cannot be read.
    """
    try:
        book = loads(read_text(path))
        said = "\n\n".join(_source(cell) for cell in book["cells"])
        language = book.get("metadata", {}).get("language_info", {}).get("name")
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise DocumentError(DAMAGED) from wrong
    marks = headings(said)
    title = next((mark.title for mark in marks if mark.level == 1), None)
    about_it = About(language=language if isinstance(language, str) else None)
    return Document(parser.type, title, cut(said, marks), about_it)


def _source(cell: Any) -> str:
    """Return the text of *cell*, code between fences so that its comments are no headings."""
    source = cell["source"]
    text = clean(source if isinstance(source, str) else "".join(source))
    return f"```\n{text}\n```" if cell.get("cell_type") == "code" else text
