# SPDX-License-Identifier: Apache-2.0
"""PDF and Word documents, whole and broken, as bytes."""

import io
import itertools
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

BOMB_BYTES = 2 << 30  # what the bomb unpacks to; the limit of one entry of a plain zip file is 4 GB
BLOCK = 1 << 20
SPLIT = b"THE BOMB GOES HERE"
WORDS = "The quick brown fox jumps over the lazy dog. " * 12


def pdf(lines: Sequence[str], *, password: str = "", pages: int = 1) -> bytes:
    """Return a PDF with these lines on each page; with a password it is encrypted."""
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    lock = StandardEncryption(password, ownerPassword="owner") if password else None
    canvas = Canvas(out, invariant=1, encrypt=lock)
    for _ in range(pages):
        for row, line in enumerate(lines):
            canvas.drawString(72, 720 - 14 * row, line)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def encrypted_pdf() -> bytes:
    """Return a PDF that nobody can open without its password."""
    return pdf(["A secret text."], password="unknown")


def truncated_pdf() -> bytes:
    """Return the first part of a PDF, as after a broken download: without its page tree."""
    whole = pdf([WORDS[:80]] * 40, pages=20)
    return whole[: len(whole) // 5]


def pdf_of_images() -> bytes:
    """Return a PDF of two scanned pages: pictures, no text."""
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, invariant=1)
    for shade in (64, 192):
        canvas.drawImage(ImageReader(picture(shade)), 72, 400, 200, 200)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def picture(shade: int) -> io.BytesIO:
    """Return a grey PNG picture of 8 by 8 points."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    rows = (b"\0" + bytes([shade]) * 8) * 8
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def pdf_without_pages() -> bytes:
    """Return a PDF that is well-formed and has no page."""
    objects = (b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>")
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size 3 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return bytes(out) + b"xref\n0 3\n0000000000 65535 f \n" + table + end


def docx(lines: Sequence[str]) -> bytes:
    """Return a Word document with a heading and these paragraphs."""
    import docx as word

    document = word.Document()
    document.add_heading("Title", 1)
    for line in lines:
        document.add_paragraph(line)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def other_zip() -> bytes:
    """Return a good zip file that is no Word document."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("holiday.txt", "Pictures of the sea.")
    return out.getvalue()


def docx_with_entities() -> bytes:
    """Return a Word document whose only text is an entity that stands for 10**9 words."""
    names = "abcdefghij"
    entities = '<!ENTITY a "lol ">' + "".join(
        f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in itertools.pairwise(names)
    )
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>&j;</w:t></w:r></w:p></w:body>'
    xml = f"<?xml version='1.0'?><!DOCTYPE lolz [{entities}]>{body}</w:document>"
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(docx([]))) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, xml if name == "word/document.xml" else old.read(name))
    return out.getvalue()


def write_bomb(
    path: Path,
    unpacked: int = BOMB_BYTES,
    *,
    whole: bytes = b"",
    part: str = "word/document.xml",
) -> None:
    """Write a valid document whose text unpacks to so many bytes, a thousandth on disk.

    It is *whole*, or else a Word document, whose *part* holds `SPLIT` where the text is to go.
    One packed block is repeated instead of packing gigabytes: blocks that end with a full flush
    stand alone (RFC 1951; zlib manual, `Z_FULL_FLUSH`).
    """
    with zipfile.ZipFile(io.BytesIO(whole or docx([SPLIT.decode()]))) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    before, after = parts.pop(part).split(SPLIT)
    times = max(1, (unpacked - len(before) - len(after)) // BLOCK)
    block = (WORDS.encode() * (BLOCK // len(WORDS) + 1))[:BLOCK]
    packed = _pack(before) + _pack(block) * times + _pack(after, last=True)
    crc = zlib.crc32(before)
    for _ in range(times):
        crc = zlib.crc32(block, crc)
    size = len(before) + times * BLOCK + len(after)
    entry = (part, zlib.crc32(after, crc), size, packed)
    rest = [(name, zlib.crc32(raw), len(raw), _pack(raw, last=True)) for name, raw in parts.items()]
    path.write_bytes(_zip([*rest, entry]))


def _pack(raw: bytes, *, last: bool = False) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(raw) + packer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


def _zip(entries: Sequence[tuple[str, int, int, bytes]]) -> bytes:
    """Return a zip file of entries that are packed already: name, checksum, size, packed bytes.

    Layout: APPNOTE.TXT 4.3, of PKWARE.
    """
    out, directory = bytearray(), bytearray()
    for name, crc, size, packed in entries:
        raw = name.encode()
        common = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0x21, crc, len(packed), size, len(raw), 0)
        directory += b"PK\1\2\x14\0" + common + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + raw
        out += b"PK\3\4" + common + raw + packed
    count, end = len(entries), len(out)
    tail = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), end, 0)
    return bytes(out + directory) + b"PK\5\6" + tail
