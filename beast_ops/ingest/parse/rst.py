# SPDX-License-Identifier: Apache-2.0
"""Read reStructuredText: headings, whose level is the order in which their style came up."""

import re
from collections.abc import Iterator
from pathlib import Path

from beast_ops.ingest.text import read_text

from . import about
from .formats import Parser
from .model import About, Document
from .outline import Mark, cut

# A title, perhaps overlined, and its underline; docutils' "reStructuredText Markup", Sections.
_HEADING = re.compile(
    r"^(?:(?P<over>([=\-~^\"'`#*+.:_<>!$%&,;?@|/\\])\2{2,})[ \t]*\n)?"
    r"(?P<title>[^\s][^\n]{0,300}|[ \t]{1,8}[^\s][^\n]{0,300})\n"
    r"(?P<under>([=\-~^\"'`#*+.:_<>!$%&,;?@|/\\])\5{2,})[ \t]*$",
    re.MULTILINE,
)
# docutils' "reStructuredText Markup", Bibliographic Fields; they stand below the title.
_FIELDS = re.compile(r"^:(Authors?|Date):[ \t]{1,9}([^\n]{1,300})$", re.MULTILINE | re.IGNORECASE)
HEAD_CHARACTERS = 3000
_ROLES = re.compile(r":[\w:-]{1,40}:`([^`\n]{0,200})`|[`*]{1,2}([^`*\n]{0,200})[`*]{1,2}")


def read(path: Path, parser: Parser) -> Document:
    """Return the reStructuredText file at *path*; raises as `read_text` does."""
    text = read_text(path)
    marks = list(_marks(text))
    said = {field[1].lower(): field[2] for field in _FIELDS.finditer(text, 0, HEAD_CHARACTERS)}
    what = About(
        author=about.line(said.get("author") or said.get("authors")),
        created=about.moment(said.get("date")),
    )
    return Document(parser.type, marks[0].title if marks else None, cut(text, marks), what)


def _marks(text: str) -> Iterator[Mark]:
    styles: list[tuple[str, bool]] = []
    for found in _HEADING.finditer(text):
        over, under, title = found["over"], found["under"], found["title"].strip()
        if not _is_heading(over, under, title, found["title"]):
            continue
        style = (under[0], over is not None)
        if style not in styles:
            styles.append(style)
        yield Mark(found.start(), styles.index(style) + 1, _plain(title))


def _is_heading(over: str | None, under: str, title: str, raw: str) -> bool:
    if over is not None and over != under:
        return False
    if over is None and raw[:1].isspace():
        return False  # indented lines are headings between two lines only
    return len(under) >= min(len(title), 4) and len(set(title)) > 1


def _plain(title: str) -> str:
    return _ROLES.sub(lambda found: found[1] or found[2] or "", title).strip()
