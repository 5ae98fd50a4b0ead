# SPDX-License-Identifier: Apache-2.0
"""Read Python source: a section for each class and function of a module.

With a pattern, not with `ast`: code in documents may be of any version, or broken.
"""

import re
from pathlib import Path

from beast_ops.ingest.text import read_text

from .formats import Parser
from .model import About, Document
from .outline import Mark, cut

PYTHON = About(language="python")
_DEFINITION = re.compile(
    r"^(?:@[^\n]*\n(?:[ \t)][^\n]*\n){0,40}){0,20}(?:async[ \t]+def|def|class)[ \t]+(\w{1,200})",
    re.MULTILINE,
)
# Possessive, or else long runs of spaces would take time that grows with their square.
_QUOTED = re.compile(
    r"\A(?:#[^\n]*+\n|\s)*+[rR]?(?:\"\"\"|''')\s*+([^\n]{1,200}?)[ \t]*+(?:\"\"\"|'''|$)",
    re.MULTILINE,
)


def read(path: Path, parser: Parser) -> Document:
    """Return the Python file at *path*; raises as `read_text` does."""
    text = read_text(path)
    marks = (Mark(found.start(), 1, found[1]) for found in _DEFINITION.finditer(text))
    docstring = _QUOTED.match(text)
    return Document(parser.type, docstring[1] if docstring else None, cut(text, marks), PYTHON)
