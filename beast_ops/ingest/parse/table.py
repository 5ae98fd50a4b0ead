# SPDX-License-Identifier: Apache-2.0
"""Read tables of separated values: a paragraph per row that names its columns."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from beast_ops.ingest.text import read_text

from .model import Document, Section

SAMPLE_CHARACTERS = 1 << 14
SAMPLE_ROWS = 20
DELIMITERS = (",", ";", "\t", "|")
NAME_CHARACTERS = 80
FIELD_CHARACTERS = (1 << 31) - 1


def read(path: Path, kind: str) -> Document:
    """Return the table at *path*; raises as `read_text` does."""
    text = read_text(path)
    csv.field_size_limit(FIELD_CHARACTERS)  # the default refuses fields beyond 128 KiB
    rows = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    return Document(kind, None, (Section((), "\n\n".join(_paragraphs(rows))),))


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


def _paragraphs(rows: Iterator[list[str]]) -> Iterator[str]:
    first = next((row for row in rows if any(row)), [])
    names = _names(first)
    if not names and first:
        yield _lines((), first)
    for row in rows:
        if any(row):
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
