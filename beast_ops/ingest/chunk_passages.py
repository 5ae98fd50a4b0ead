# SPDX-License-Identifier: Apache-2.0
"""Join what is too small to stand alone before it is cut.

Two things are joined. Pages: a section that goes on below the same heading on the next page is
one text. And small neighbours: a section of less than a quarter of a chunk joins the one before
it while both fit into one chunk and stand below the same parent. What was joined stands below
the headings its parts share, or, if they share none, below those of the first; each part still
begins with its own heading, as documents have it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .parse.model import Section

SMALL = 4  # a section below a fourth of a chunk looks for company
BETWEEN = "\n\n"


@dataclass(slots=True)
class Passage:
    """A text below one heading that may run over several pages."""

    heading: tuple[str, ...]
    text: str
    starts: list[int] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)

    def page_at(self, offset: int) -> int | None:
        """Return the page on which the character at *offset* stands."""
        place = bisect_right(self.starts, offset) - 1
        return self.pages[max(place, 0)] if self.pages else None


def passages(sections: Iterable[Section], characters: int) -> Iterator[Passage]:
    """Return *sections*, joined where they are too small for chunks of *characters*."""
    group: list[Section] = []
    heading: tuple[str, ...] = ()
    length = 0
    for section in sections:
        more = len(section.text) + len(BETWEEN)
        if group and (_goes_on(group[-1], section) or _joins(heading, length, section, characters)):
            heading = _shared(heading, section.heading)
        else:
            if group:
                yield _joined(heading, group)
            group, heading, length = [], section.heading, 0
        group.append(section)
        length += more
    if group:
        yield _joined(heading, group)


def _goes_on(before: Section, section: Section) -> bool:
    return section.page is not None and section.heading == before.heading


def _joins(heading: tuple[str, ...], length: int, section: Section, characters: int) -> bool:
    if length + len(section.text) > characters:
        return False
    if min(length, len(section.text)) * SMALL > characters:
        return False
    return section.heading[: len(heading)] == heading or section.heading[:-1] == heading[:-1]


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return one[:count] or one


def _joined(heading: tuple[str, ...], group: list[Section]) -> Passage:
    passage = Passage(heading, BETWEEN.join(section.text for section in group))
    start = 0
    for section in group:
        if section.page is not None:
            passage.starts.append(start)
            passage.pages.append(section.page)
        start += len(section.text) + len(BETWEEN)
    return passage
