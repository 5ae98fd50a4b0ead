# SPDX-License-Identifier: Apache-2.0
"""Read tables of separated values: a paragraph per row that names its columns."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from beast_ops.ingest.text import clean, read_text

from .formats import Parser
from .model import Document, Section, bounded
from .outline import Path as Outline

SAMPLE_CHARACTERS = 1 << 14
SAMPLE_ROWS = 20
AHEAD_ROWS = 6  # among which the one with the names of the columns is looked for
DELIMITERS = (",", ";", "\t", "|")
NAME_CHARACTERS = 80
FIELD_CHARACTERS = (1 << 31) - 1


def read(path: Path, parser: Parser) -> Document:
    """Return the table at *path*; raises as `read_text` does."""
    text = read_text(path)
    csv.field_size_limit(FIELD_CHARACTERS)  # the default refuses fields beyond 128 KiB
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    return Document(parser.type, None, (Section((), "\n\n".join(_paragraphs(rows))),))


def _delimiter(text: str) -> str:
    """Return what separates the columns: what gives most rows the same number, above one.

    `csv.Sniffer` is not asked: its patterns take quadratic time on quoted text.
    """
    sample = text[:SAMPLE_CHARACTERS]
    return max(DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))


def _evenness(sample: str, delimiter: str) -> tuple[int, int]:
    widths: Counter[int] = Counter()
    for number, row in enumerate(csv.reader(io.StringIO(sample), delimiter=delimiter)):
        if number == SAMPLE_ROWS:
            break
        widths[len(row)] += len(row) > 1
    width, rows = widths.most_common(1)[0] if widths else (0, 0)
    return (rows, width if rows else 0)


def sheet(name: str, rows: Iterator[list[str]]) -> Section:
    """Return the sheet *name* of a workbook; raises as `bounded` does."""
    heading = Outline().enter(1, clean(name))
    return Section(heading, "\n\n".join(bounded(_paragraphs(rows))))


def _paragraphs(rows: Iterator[list[str]]) -> Iterator[str]:
    """Yield a paragraph per row that names its columns, as the first row of several cells does.

    Above it there may be lines of one cell each: a title, and whence it all comes.
    """
    filled = (row for row in rows if any(row))
    ahead = list(islice(filled, AHEAD_ROWS))
    begin = next((n for n, row in enumerate(ahead) if len(row) - row.count("") > 1), 0)
    names = _names(ahead[begin]) if ahead else ()
    yield from (_lines((), row) for row in ahead[:begin])
    if len(ahead) == begin + 1:
        names = ()  # nothing follows that they could name
    for row in chain(ahead[begin + bool(names) :], filled):
        yield _lines(names, row)


def _names(row: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the columns if the first *row* has them: all there, none a number."""
    named = tuple(" ".join(cell.split())[:NAME_CHARACTERS] for cell in row)
    plausible = all(named) and len(set(named)) == len(named)
    return named if plausible and not any(map(_is_number, named)) else ()


def _is_number(cell: str) -> bool:
    return cell.replace(".", "").replace(",", "").lstrip("+-").isdigit()


def _lines(names: Sequence[str], row: Sequence[str]) -> str:
    if not names:
        return ", ".join(filter(None, row))
    beyond = ("",) * (len(row) - len(names))
    return "\n".join(
        f"{name}: {cell}" if name else cell
        for name, cell in zip((*names, *beyond), row, strict=False)
        if cell
    )
