# SPDX-License-Identifier: Apache-2.0
"""What a reader makes of a file."""

from dataclasses import dataclass

from beast_ops.errors import DocumentError


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a document below one heading.

    Attributes:
        heading: The path of headings down to here, the outermost first.
        text: What stands here, with its own heading as the first line where the format has it.
        page: The page on which it begins, counted from 1, where the format has pages.
    """

    heading: tuple[str, ...]
    text: str
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A file as text.

    Attributes:
        type: Its format: `md`, `txt`, `html`, `pdf`, `docx`, `csv`, `json`, `rst` or `code`.
        title: What the document calls itself.
        sections: Its text in order; never empty.
    """

    type: str
    title: str | None
    sections: tuple[Section, ...]


def substantial(document: Document) -> Document:
    """Return *document* without sections that say nothing.

    Raises:
        DocumentError: If none says anything.
    """
    kept = tuple(section for section in document.sections if not section.text.isspace())
    kept = tuple(section for section in kept if section.text)
    if not kept:
        raise DocumentError("no text found")
    return Document(document.type, document.title, kept)
