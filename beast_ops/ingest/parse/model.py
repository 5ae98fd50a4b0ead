# SPDX-License-Identifier: Apache-2.0
"""What a reader makes of a file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from beast_ops.errors import DocumentError

TEXT_BYTES = 64 << 20
TOO_LARGE = f"its text is larger than {TEXT_BYTES >> 20} MiB"


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a document below one heading.

    Attributes:
        heading: The path of headings down to here, the outermost first.
        text: What stands here, with its own heading as the first line where the format has it.
        page: The page on which it begins, counted from 1, where the format has pages; slides
            are pages.
    """

    heading: tuple[str, ...]
    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself, besides its title; `None` is nothing.

    Attributes:
        author: Who wrote it; several are separated by `, `.
        created: When it was written, as ISO 8601: a day, or a time.
        revised: When it was last changed by its own words, likewise.
        language: What it is written in: a language tag such as `de`, or for source code the
            name of the programming language.
    """

    author: str | None = None
    created: str | None = None
    revised: str | None = None
    language: str | None = None


NOTHING = About()


@dataclass(frozen=True, slots=True)
class Document:
    """A file as text.

    Attributes:
        type: Its format, one of those in `formats.py`.
        title: What the document calls itself.
        sections: Its text in order; never empty.
        about: Who wrote it, when, in which language.
        note: What its owner should know although it was read, such as pages without text.
    """

    type: str
    title: str | None
    sections: tuple[Section, ...]
    about: About = NOTHING
    note: str | None = None


def substantial(document: Document) -> Document:
    """Return *document* without sections that say nothing.

    Raises:
        DocumentError: If none says anything.
    """
    kept = tuple(section for section in document.sections if not section.text.isspace())
    kept = tuple(section for section in kept if section.text)
    if not kept:
        raise DocumentError("no text found")
    return replace(document, sections=kept)


def bounded(texts: Iterable[str]) -> Iterator[str]:
    """Yield *texts*, for formats in which a small file can say the same any number of times.

    Raises:
        DocumentError: If together they are larger than a document may be.
    """
    total = 0
    for text in texts:
        total += len(text)
        if total > TEXT_BYTES:
            raise DocumentError(TOO_LARGE)
        yield text
