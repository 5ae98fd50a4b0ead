# SPDX-License-Identifier: Apache-2.0
"""Read source code: a section for each function and type, below the type it belongs to.

No parser of the language: code in documents may be of any version, or broken. Comments and
texts are blanked, then braces are counted, and what stands before one says what it begins.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from beast_ops.ingest.text import read_text

from .formats import Parser
from .languages import BRACES, LINES, Language
from .model import About, Document
from .outline import Mark, cut

HEAD_CHARACTERS = 2000  # before a brace, within which a definition is looked for
ABOVE_LINES = 60  # of comments and attributes that belong to what follows
TAB = 4
_MARKS = re.compile(r"[{};]")
_SEEN = re.compile(r"[^\n]")
_NOTHING = re.compile(r"[\s})\];,]*+")
_GOES_ON = set(")]>,:|&")
_ABOVE = ("//", "/*", "*", "#[", "@", "[", "--", "# ")


def read(path: Path, parser: Parser) -> Document:
    """Return the source file at *path*; raises as `read_text` does."""
    text = read_text(path)
    name = parser.language or ""
    marks = _lines(text, LINES[name]) if name in LINES else _definitions(text, BRACES[name])
    return Document(parser.type, None, cut(text, marks), About(language=name))


def _lines(text: str, pattern: re.Pattern[str]) -> Iterator[Mark]:
    begin = 0
    for found in pattern.finditer(text):
        name = next(each for each in found.groups()[1:] if each)
        level = len(found["space"].expandtabs(TAB)) // 2 + 1
        yield Mark(_above(text, begin, found.start()), level, name)
        begin = found.end()


def _definitions(text: str, language: Language) -> Iterable[Mark]:
    """Return where definitions begin, and where what follows belongs to none."""
    walk = _Walk(text, language)
    for found in _MARKS.finditer(walk.code):
        walk.meet(found[0], found.start())
    marks = sorted(walk.marks, key=lambda mark: mark.start)
    following = (*(mark.start for mark in marks[1:]), len(text))
    for mark, end in zip(marks, following, strict=False):
        nothing = _NOTHING.match(walk.code, mark.start, end)
        if mark.title or (nothing is not None and nothing.end() < end):
            yield mark


class _Walk:
    """Walks over the braces of a file."""

    def __init__(self, text: str, language: Language) -> None:
        self.code = language.silent.sub(lambda found: _SEEN.sub(" ", found[0]), text)
        self.marks: list[Mark] = []
        self._text, self._find = text, language.find
        # Of each open brace: the level below it if definitions are looked for there, or -1, and
        # the level of the definition that it begins, or 0.
        self._open: list[tuple[int, int]] = []
        self._begin = 0

    def meet(self, mark: str, place: int) -> None:
        """Go on to the *mark* at *place*."""
        level = self._open[-1][0] if self._open else 1
        if mark == "{":
            self._open.append(self._enter(level, place) if level > 0 else (-1, 0))
        elif mark == "}":
            self._leave(place)
        if not self._open or self._open[-1][0] > 0:
            self._begin = place + 1

    def _enter(self, level: int, place: int) -> tuple[int, int]:
        begin = max(self._begin, place - HEAD_CHARACTERS)
        inside = level > 1
        found = self._find(self.code[begin:place], inside)
        if found is None:
            # Braces may stand among the parameters of what was found before: it goes on.
            goes_on = self.code[self._begin : place].lstrip()[:1] in _GOES_ON
            return -1, level if goes_on else 0
        start, name, outer = found
        if not name:
            return level, 0
        line = self._text.rfind("\n", self._begin, begin + start) + 1 or self._begin
        self.marks.append(Mark(_above(self._text, self._begin, line), level, name))
        return (level + 1 if outer else -1), level

    def _leave(self, place: int) -> None:
        if not self._open:
            return
        ended = self._open.pop()
        if place == 0 or self.code[place - 1] == "\n":
            # A brace at the margin ends a definition; more are open where one of two was meant.
            while self._open and self._open[-1][0] < 0:
                ended = self._open.pop()
        if ended[1]:
            end = self._text.find("\n", place) + 1 or len(self._text)
            if not self.code[place + 1 : end].strip(" \t\n;,)"):
                self.marks.append(Mark(end, ended[1], ""))


def _above(text: str, begin: int, line: int) -> int:
    """Return where the comments and attributes right above *line* begin, not before *begin*."""
    for _ in range(ABOVE_LINES):
        before = text.rfind("\n", begin, max(begin, line - 1)) + 1 or begin
        above = text[before:line].strip()
        if line <= begin or not above.startswith(_ABOVE):
            break
        line = before
    return line
