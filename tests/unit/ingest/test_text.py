# SPDX-License-Identifier: Apache-2.0
import random

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.text import clean, decode

GERMAN = "Schöne Grüße aus Köln, es geht um Ärger mit Umlauten und über Öfen.\n" * 5
RUSSIAN = "Широкая электрификация южных губерний даст мощный толчок подъёму хозяйства.\n" * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_every_unicode_encoding_is_read(encoding):
    assert GERMAN == decode(GERMAN.encode(encoding))


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"\xfe\xff", "utf-16-be"), (b"\x00\x00\xfe\xff", "utf-32-be")]
)
def test_big_endian_text_with_a_mark_is_read(mark, encoding):
    assert GERMAN == decode(mark + GERMAN.encode(encoding))


def test_utf16_without_a_mark_is_recognised_by_its_zeros():
    assert "plain text" == decode("plain text".encode("utf-16-be"))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_western_text_is_read(encoding):
    assert GERMAN == decode(GERMAN.encode(encoding))


@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r"])
def test_cyrillic_text_is_read(encoding):
    assert RUSSIAN == decode(RUSSIAN.encode(encoding))


def test_stray_bytes_in_utf8_cost_only_themselves():
    found = decode(GERMAN.encode() + b"\xff" + GERMAN.encode())

    assert f"{GERMAN}\ufffd{GERMAN}" == found


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 64,
        b"\x7fELF\x02\x01\x01\x00\x00\x00" * 99,
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 20,
        b"\xff\xfe" + bytes(range(0xD8, 0xE0)) * 200,
        b"text and then \x01\x02\x03\x04\x05",
    ],
)
def test_what_is_not_text_is_refused(data):
    with pytest.raises(DocumentError, match="not text: looks binary"):
        decode(data)


def test_random_bytes_are_never_taken_for_text_nor_end_in_another_error(seed):
    source = random.Random(seed)  # noqa: S311 - a test that can be repeated

    for _ in range(20):
        with pytest.raises(DocumentError, match="binary"):
            decode(source.randbytes(4096))


def test_line_ends_become_line_feeds_and_pages_paragraphs():
    assert "a\nb\nc\n\nd" == clean("a\r\nb\rc\fd")


def test_what_typewriters_and_terminals_did_is_undone():
    assert "bold plain" == clean("b\bbo\bol\bld\bd \x1b[1mplain\x1b[0m")


def test_what_nobody_can_see_is_left_out():
    assert "ab\tc\n" == clean("a\x00b\t\x07c\ud800\ufeff\n")
