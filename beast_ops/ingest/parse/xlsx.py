# SPDX-License-Identifier: Apache-2.0
"""Read Excel workbooks: a section per sheet, a paragraph per row that names its columns."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from beast_ops.ingest.text import clean

from .formats import Parser
from .model import Document, Section
from .package import Package, core, main_part, opened
from .table import sheet

COLUMNS = 16_384  # as many as a sheet has
# ECMA-376 part 1, 18.8.30: the formats of numbers that show a date or a time, and need no text.
DATES = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
EPOCH, EPOCH_OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - they know no zones
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_COLUMN = re.compile(r"[A-Z]{1,3}")


def read(path: Path, parser: Parser) -> Document:
    """Return the workbook at *path*.

    Raises:
        DocumentError: If it is damaged, encrypted, or unpacks to more than is reasonable.
        OSError: If it cannot be read.
    """
    with opened(path, "Excel workbook") as package:
        title, about = core(package)
        return Document(parser.type, title, tuple(_sheets(package)), about)


def _sheets(package: Package) -> Iterator[Section]:
    main = main_part(package)
    parts = package.relations(main)
    book = package.tree(main)
    cells = _Cells(package, main, book)
    seen = set()
    for each in book.iter("{*}sheet"):
        own = next((value for name, value in each.items() if name.endswith("}id")), "")
        kind, part = parts.get(own, ("", ""))
        if kind == "worksheet" and part in package.names and part not in seen:
            seen.add(part)
            yield sheet(each.get("name", ""), cells.rows(part))


class _Cells:
    """What the numbers in cells stand for."""

    def __init__(self, package: Package, main: str, book: Any) -> None:
        self._package = package
        self._texts = [
            text for part in package.related(main, "sharedStrings") for text in self._shared(part)
        ]
        self._dates = {
            number for part in package.related(main, "styles") for number in self._dated(part)
        }
        since_1904 = any(
            each.get("date1904") in {"1", "true"} for each in book.iter("{*}workbookPr")
        )
        self._epoch = EPOCH_OF_1904 if since_1904 else EPOCH

    def rows(self, part: str) -> Iterator[list[str]]:
        for row in self._package.walk(part, "{*}row"):
            cells: list[str] = []
            for cell in row.iterchildren("{*}c"):
                text = self._text(cell)
                place = _column(cell.get("r", ""), len(cells))
                if text and place < COLUMNS:
                    cells.extend([""] * (place + 1 - len(cells)))
                    cells[place] = text
                elif text == "" and place == len(cells):
                    cells.append("")  # where cells do not say where they are
            while cells and not cells[-1]:
                cells.pop()
            yield cells

    def _shared(self, part: str) -> Iterator[str]:
        for item in self._package.walk(part, "{*}si"):
            yield _said(item)

    def _dated(self, part: str) -> Iterator[int]:
        """Yield the numbers of the styles that show dates."""
        tree = self._package.tree(part)
        own = {each.get("numFmtId"): each.get("formatCode", "") for each in tree.iter("{*}numFmt")}
        for styles in tree.iter("{*}cellXfs"):
            for number, style in enumerate(styles.iter("{*}xf")):
                if _shows_dates(style.get("numFmtId", ""), own):
                    yield number

    def _text(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return clean(_said(cell)).strip()
        value = next(cell.iterchildren("{*}v"), None)
        said = (value.text or "") if value is not None else ""
        if kind == "s":
            number = int(said) if said.isdecimal() else -1
            return clean(self._texts[number]).strip() if 0 <= number < len(self._texts) else ""
        if kind == "b":
            return {"1": "true", "0": "false"}.get(said, "")
        if kind != "n":
            return "" if kind == "e" else clean(said).strip()
        return self._number(said, cell.get("s", ""))

    def _number(self, said: str, style: str) -> str:
        try:
            number = float(said)
        except ValueError:
            return clean(said).strip()
        if style.isdecimal() and int(style) in self._dates:
            return _moment(self._epoch, number) or said
        return f"{number:.15g}"  # 0.1 stands there as 0.10000000000000001


def _said(item: Any) -> str:
    """Return the text of *item* without the marks of how it is pronounced."""
    return "".join(
        each.text or ""
        for each in item.iter("{*}t")
        if not (each.getparent().tag or "").endswith("}rPh")
    )


def _column(reference: str, following: int) -> int:
    """Return the place of the column that *reference*, such as `AB12`, names, counted from 0."""
    found = _COLUMN.match(reference)
    if found is None:
        return following
    number = 0
    for letter in found[0]:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _shows_dates(number: str, own: Mapping[str, str]) -> bool:
    if number in own:
        code = _LITERAL.sub("", own[number]).lower()
        return not {"0", "#", "?"} & set(code) and any(letter in code for letter in "ymdh")
    return number.isdecimal() and int(number) in DATES


def _moment(epoch: datetime, number: float) -> str | None:
    try:
        when = epoch + timedelta(seconds=round(number * 86_400))
    except (OverflowError, ValueError):
        return None
    if 0 <= number < 1:
        return f"{when:%H:%M}"
    return f"{when:%Y-%m-%d}" if number.is_integer() else f"{when:%Y-%m-%d %H:%M}"
