# SPDX-License-Identifier: Apache-2.0
"""Word documents made from real plain texts.

Debian carries hardly any Word documents, so a few texts that people would keep in Word (bylaws,
a manifesto, how-tos) become such. Headings become headings; the words stay as they are.
"""

import io
import re
import zipfile
from collections.abc import Iterator

NUMBERED = re.compile(r"^ {0,2}(\d+\.(?:\d+\.?)?) (\S.*)$")
UNDERLINE = re.compile(r"^([=~*-])\1{3,}$")
ITEM = re.compile(r"^\s*(?:\d+\.|[*-]|\(\w\)) ")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip file can have


def _blocks(text: str) -> Iterator[list[str]]:
    block: list[str] = []
    for line in text.splitlines():
        if not line.strip():
            yield block
            block = []
        elif ITEM.match(line) and block and not NUMBERED.match(line):
            yield block
            block = [line]
        else:
            block.append(line)
    yield block


def parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield level (0 text, 1 or 2 heading) and words of each paragraph of a plain text."""
    for block in filter(None, _blocks(text)):
        lines = [line for line in block if not UNDERLINE.match(line.strip())]
        numbered = NUMBERED.match(lines[0]) if len(lines) == 1 else None
        underlined = len(lines) == 1 and len(block) == 2
        if numbered:
            yield (2 if numbered[1].strip(".").count(".") else 1), lines[0].strip()
        elif underlined:
            yield (1 if block[1].strip()[0] in "=*" else 2), lines[0].strip()
        elif lines:
            yield 0, " ".join(line.strip() for line in lines)


def document(text: str) -> bytes:
    """Return a plain text as a Word document: the same bytes for the same text."""
    import docx

    made = docx.Document()
    for level, words in parts(text):
        if level:
            made.add_heading(words, level)
        else:
            made.add_paragraph(words)
    raw = io.BytesIO()
    made.save(raw)
    return _timeless(raw)


def _timeless(raw: io.BytesIO) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, old.read(name))
    return out.getvalue()
