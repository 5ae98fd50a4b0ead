# SPDX-License-Identifier: Apache-2.0
import io

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import parse, pdf
from tests.e2e import office


@pytest.fixture
def read(tmp_path):
    def read_bytes(data):
        (tmp_path / "upload").write_bytes(data)
        return parse(tmp_path / "upload", "a.pdf")

    return read_bytes


@pytest.fixture(scope="module")
def book():
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target)
    canvas.setTitle("The Book")
    for number, (level, heading) in enumerate(
        [(0, "Part"), (1, "First"), (None, ""), (1, "Second")]
    ):
        canvas.drawString(72, 700, f"This is page {number + 1}.")
        if level is not None:
            canvas.bookmarkPage(f"mark{number}")
            canvas.addOutlineEntry(heading, f"mark{number}", level)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


def test_pages_stand_below_the_bookmarks_in_force(read, book):
    document = read(book)

    assert [
        (("Part",), "This is page 1.", 1),
        (("Part", "First"), "This is page 2.", 2),
        (("Part", "First"), "This is page 3.", 3),
        (("Part", "Second"), "This is page 4.", 4),
    ] == [(each.heading, each.text, each.page) for each in document.sections]
    assert ("pdf", "The Book") == (document.type, document.title)


def test_bytes_behind_the_end_are_harmless(read, book):
    assert 4 == len(read(book + b"\n" * 5000).sections)


def test_pages_that_are_scanned_are_named_where_others_have_text(read):
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target)
    for said in "t", "", "p", "p", "p", "t", "p":  # text, nothing, or a picture alone
        if said == "p":
            canvas.drawImage(ImageReader(office.picture(64)), 72, 400, 200, 200)
        if said == "t":
            canvas.drawString(72, 700, "Text.")
        canvas.showPage()
    canvas.save()

    document = read(target.getvalue())

    assert "pages that are scanned, without text: 3-5, 7" == document.note
    assert [1, 6] == [section.page for section in document.sections]


def test_of_many_scanned_pages_the_first_are_named():
    assert "1-2, 4" == pdf._ranges([1, 2, 4])
    assert pdf._ranges(range(1, 100, 2)).endswith("37, 39, \N{HORIZONTAL ELLIPSIS}")


def test_it_says_who_wrote_it_when_and_in_which_language(read):
    from reportlab.pdfgen.canvas import Canvas

    target = io.BytesIO()
    canvas = Canvas(target, invariant=1, lang="de-DE")
    canvas.setAuthor("Ada Lovelace")
    canvas.drawString(72, 700, "Text.")
    canvas.save()

    about = read(target.getvalue()).about

    assert ("Ada Lovelace", "de-DE") == (about.author, about.language)
    assert "2000-01-01T00:00:00Z" == about.created == about.revised


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (office.truncated_pdf, "damaged PDF: its end is missing"),
        (office.encrypted_pdf, "encrypted PDF: needs a password"),
        (office.pdf_without_pages, "no text found (it has no pages)"),
        (office.pdf_of_images, "no text found: its pages are scanned (2); recognise"),
        (lambda: b"hello" * 100, "damaged PDF: it does not begin like one"),
        (lambda: b"%PDF-1.4\n" + b"x" * 100 + b"startxref\n0\n%%EOF", "damaged PDF: "),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(read, make, reason):
    with pytest.raises(DocumentError) as refused:
        read(make())

    assert str(refused.value).startswith(reason)


def test_every_beginning_of_a_pdf_is_refused_or_whole(read, book):
    for length in range(1, len(book) - 20, 97):
        with pytest.raises(DocumentError, match="damaged PDF"):
            read(book[:length])
