# SPDX-License-Identifier: Apache-2.0
"""Cut documents into chunks: below their headings, between paragraphs, sentences or words.

Nothing is lost: each character of a section that is not white space at an end is in a chunk.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1, sha256
from uuid import UUID

from .chunk_passages import passages
from .chunk_windows import windows
from .parse.model import Document

CHARACTERS = 1200
OVERLAP = 200
RECORDS = frozenset({"csv", "json", "xlsx", "ods"})
RECORDS_SHARE = 4  # chunks of records are a fourth: a record is found among few, lost among many
NAMESPACE = UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 9562, Appendix A: names are URLs


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document, small enough to be embedded and shown.

    Attributes:
        id: Of its point; the same whenever the same text stands in the same place of a source.
        text: What it says.
        heading: The headings it stands below, the outermost first.
        page: The page on which its middle stands, if there are pages.
        position: Its number in the document, counted from 0.
    """

    id: str
    text: str
    heading: tuple[str, ...]
    page: int | None
    position: int


def chunk(
    document: Document, source: str, characters: int = CHARACTERS, overlap: int = OVERLAP
) -> list[Chunk]:
    """Return the chunks of *document*.

    Args:
        document: What to cut.
        source: The name of the document, on which the ids depend.
        characters: How long a chunk may be.
        overlap: How many characters of a chunk the next one repeats; at most half of them.
            Records repeat nothing: none is about the one before.
    """
    found: list[Chunk] = []
    namer = Namer(source)
    if document.type in RECORDS:
        characters, overlap = max(1, characters // RECORDS_SHARE), 0
    for heading, text, page in _pieces(document, characters, overlap):
        found.append(Chunk(namer.name(heading, text), text, heading, page, len(found)))
    return found


class Namer:
    """Names the chunks of one document, which are to be asked for in their order."""

    def __init__(self, source: str) -> None:
        """Name the chunks of *source*."""
        self._source = source
        self._same: Counter[tuple[tuple[str, ...], bytes]] = Counter()

    def name(self, heading: tuple[str, ...], text: str) -> str:
        """Return the name of the next chunk: the same for the same text in the same place."""
        digest = sha256(text.encode(errors="surrogatepass")).digest()
        ordinal = self._same[heading, digest]
        self._same[heading, digest] += 1
        name = "\0".join((self._source, *heading, digest.hex(), str(ordinal)))
        return named_uuid(name)


def named_uuid(name: str) -> str:
    """Return `str(uuid5(NAMESPACE, name))`, in a third of the time."""
    made = sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()
    bits = bytearray(made[:16])
    bits[6] = bits[6] & 0x0F | 0x50  # version 5, RFC 9562, section 5.5
    bits[8] = bits[8] & 0x3F | 0x80  # the variant, section 4.1
    text = bits.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _pieces(
    document: Document, characters: int, overlap: int
) -> Iterator[tuple[tuple[str, ...], str, int | None]]:
    for passage in passages(document.sections, characters):
        for start, end in windows(passage.text, characters, overlap):
            text = passage.text[start:end].lstrip("\n").rstrip()
            if text and not text.isspace():
                yield passage.heading, text, passage.page_at((start + end) // 2)
