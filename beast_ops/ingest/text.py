# SPDX-License-Identifier: Apache-2.0
"""Bytes to text: encodings, and what is not text at all."""

import re
from pathlib import Path

from beast_ops.errors import DocumentError

SAMPLE_BYTES = 1 << 16
BINARY = "not text: looks binary"
CONTROL_SHARE = 0.02  # more control characters than this is no text in any encoding
STRAY_SHARE = 0.02  # fewer stray bytes than this is damaged UTF-8, not another encoding

_BOMS = (  # the longer first: UTF-32 little-endian begins like UTF-16
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", "utf-8"),
)
# Without tab, line feed, carriage return, form feed, backspace and escape, which old texts use.
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\f\b\x1b") + b"\x7f"
_UNWANTED_BYTES = bytes(code for code in range(32) if code not in b"\t\n\r") + b"\x7f"
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\ufeff]")
_OVERSTRUCK = re.compile(".\b", re.DOTALL)
_ESCAPES = re.compile("\x1b\\[[0-9;]{0,20}[A-Za-z]")


def read_text(path: Path) -> str:
    """Return the file at *path* as clean text.

    Raises:
        DocumentError: If it is not text.
        OSError: If it cannot be read.
    """
    return clean(decode(path.read_bytes()))


def decode(data: bytes) -> str:
    """Return *data* as text, whatever its encoding.

    In this order: a byte order mark; UTF-8; UTF-16 without a mark; UTF-8 with stray bytes, which
    become U+FFFD; what `charset-normalizer` makes of the first 64 KiB.

    Raises:
        DocumentError: If it is not text.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _readable(data[len(mark) :].decode(encoding, "replace"))
    sample = data[:SAMPLE_BYTES]
    if b"\0" in sample:
        return _readable(data.decode(_wide(sample), "replace"))
    if len(sample.translate(None, _CONTROLS)) < len(sample) * (1 - CONTROL_SHARE):
        raise DocumentError(BINARY)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode(_narrow(sample), "replace")


def _readable(text: str) -> str:
    sample = text[:SAMPLE_BYTES]
    bad = sum(map(sample.count, ("\ufffd", "\0", "\uffff")))
    if bad > len(sample) * CONTROL_SHARE:
        raise DocumentError(BINARY)
    return text


def _wide(sample: bytes) -> str:
    """Return which UTF-16 has zeros where this *sample* has them: in half the bytes of Latin."""
    half = max(1, len(sample) // 2)
    even, odd = sample[::2].count(0) / half, sample[1::2].count(0) / half
    if max(even, odd) < 0.3 or min(even, odd) > 0.05:  # noqa: PLR2004 - text that is mostly Latin
        raise DocumentError(BINARY)
    return "utf-16-le" if odd > even else "utf-16-be"


def _narrow(sample: bytes) -> str:
    """Return the encoding of a *sample* that is not valid UTF-8."""
    high = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    stray = sample.decode(errors="replace").count("\ufffd")
    if stray <= len(sample) * STRAY_SHARE and stray * 4 <= high:
        return "utf-8"
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None:
        raise DocumentError(BINARY)
    return best.encoding


def clean(text: str) -> str:
    """Return *text* with line feeds as line ends and without characters nobody can see.

    Form feeds, which end pages of plain texts, end paragraphs.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\f" in text:
        text = text.replace("\f", "\n\n")
    if "\b" in text:  # bold and underlined, as typewriters did it
        text = _OVERSTRUCK.sub("", text)
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if text.isascii():  # a fifth of the time
        return text.encode().translate(None, _UNWANTED_BYTES).decode()
    return _UNWANTED.sub("", text)
