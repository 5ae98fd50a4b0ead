# SPDX-License-Identifier: Apache-2.0
"""Cut a text at its headings, and keep the path of headings down to each piece."""

from collections.abc import Iterable
from dataclasses import dataclass

from .model import Section

HEADING_CHARACTERS = 200
DEPTH = 12


@dataclass(frozen=True, slots=True)
class Mark:
    """A heading: where its line begins in the text, how deep it is, and what it says."""

    start: int
    level: int
    title: str


class Path:
    """The headings one is below, while walking down a document."""

    def __init__(self) -> None:
        """Begin above the first heading."""
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        """Go below the heading *title* of *level* (1 is the outermost) and return the path."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        if title and len(self._open) < DEPTH:
            self._open.append((level, " ".join(title.split())[:HEADING_CHARACTERS]))
        return self.now

    @property
    def now(self) -> tuple[str, ...]:
        """The path where one is."""
        return tuple(title for _, title in self._open)


def cut(text: str, marks: Iterable[Mark]) -> tuple[Section, ...]:
    """Return *text* in sections that begin at *marks*, which are in order; nothing is lost."""
    path = Path()
    sections: list[Section] = []
    begin, heading = 0, path.now
    for mark in marks:
        if mark.start > begin:
            sections.append(Section(heading, text[begin : mark.start]))
        begin, heading = mark.start, path.enter(mark.level, mark.title)
    sections.append(Section(heading, text[begin:]))
    return tuple(sections)
