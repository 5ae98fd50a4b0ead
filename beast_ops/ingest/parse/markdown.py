# SPDX-License-Identifier: Apache-2.0
"""Read Markdown: headings of both kinds, but not those inside code."""

import re
from collections.abc import Iterator
from pathlib import Path

from beast_ops.ingest.text import read_text

from . import about
from .formats import Parser
from .model import About, Document
from .outline import Mark, cut

# CommonMark 0.31: §4.2 ATX headings, §4.3 setext headings, §4.5 fenced code blocks.
_LINES = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})(?P<info>[^\n]*)"
    r"|(?P<hashes>#{1,6})(?:[ \t](?P<atx>[^\n]*))?"
    r"|(?P<under>=+|-+)[ \t]*)$",
    re.MULTILINE,
)
_CLOSING = re.compile(r"(?:^|[ \t])#+[ \t]*$")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*$\n?", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)
_FIELDS = re.compile(
    r"^(authors?|date|created|updated|modified|lang|language):[ \t]*(.+)$",
    re.MULTILINE | re.IGNORECASE,
)
_NOT_SETEXT = re.compile(r"(?: {4}|\t| {0,3}(?:[>#|`~]|[-*+][ \t]|\d{1,9}[.)][ \t]|<))")
_DECORATION = re.compile(r"[*_`]{1,3}|!?\[([^\]\n]{0,300})\]\([^)\n]{0,1000}\)")
FRONT_CHARACTERS = 10_000


def read(path: Path, parser: Parser) -> Document:
    """Return the Markdown file at *path*; raises as `read_text` does."""
    text = read_text(path)
    front = _FRONT.match(text, 0, FRONT_CHARACTERS)
    marks = headings(text, front.end() if front else 0)
    named = _TITLE.search(front[1]) if front else None
    first = next((mark.title for mark in marks if mark.level == 1), None)
    title = named[1].strip().strip("\"'") if named else first
    return Document(parser.type, title or None, cut(text, marks), _about(front[1] if front else ""))


def _about(front: str) -> About:
    said = {field[1].lower(): field[2].strip().strip("[]\"'") for field in _FIELDS.finditer(front)}
    return About(
        author=about.line(said.get("author") or said.get("authors")),
        created=about.moment(said.get("date") or said.get("created")),
        revised=about.moment(said.get("updated") or said.get("modified")),
        language=about.language(said.get("lang") or said.get("language")),
    )


def headings(text: str, begin: int = 0) -> list[Mark]:
    """Return the headings of the Markdown *text* from *begin* on."""
    return list(_marks(text, begin))


def _marks(text: str, begin: int) -> Iterator[Mark]:
    fence = ""
    for line in _LINES.finditer(text, begin):
        if mark := line["fence"]:
            if not fence:
                fence = "" if mark[0] == "`" and "`" in line["info"] else mark
            elif mark.startswith(fence) and not line["info"].strip():
                fence = ""
        elif fence:
            continue
        elif line["hashes"]:
            title = _CLOSING.sub("", line["atx"] or "")
            yield Mark(line.start(), len(line["hashes"]), _plain(title))
        elif (start := _paragraph_above(text, line.start(), begin)) is not None:
            level = 1 if line["under"][0] == "=" else 2
            yield Mark(start, level, _plain(text[start : line.start()]))


def _paragraph_above(text: str, end: int, begin: int) -> int | None:
    """Return where the line above *end* begins if it can be a heading, underlined.

    A paragraph of several lines above a rule is taken for text: that is what writers mean.
    """
    start = text.rfind("\n", begin, max(begin, end - 1)) + 1 or begin
    above = text[start:end]
    if not above.strip() or _NOT_SETEXT.match(above):
        return None
    before = text[:start].rstrip(" \t") if start < 3 else text[start - 2 : start]  # noqa: PLR2004 - two line feeds
    alone = start <= begin or before.endswith("\n\n") or not _line_above(text, start, begin).strip()
    return start if alone else None


def _line_above(text: str, end: int, begin: int) -> str:
    start = text.rfind("\n", begin, max(begin, end - 1)) + 1 or begin
    return text[start:end]


def _plain(title: str) -> str:
    return _DECORATION.sub(lambda found: found[1] or "", title).strip()
