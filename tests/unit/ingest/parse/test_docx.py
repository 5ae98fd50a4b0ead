# SPDX-License-Identifier: Apache-2.0
import zipfile

import docx
import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import package, parse
from tests.e2e import office


@pytest.fixture
def read(tmp_path):
    def read_bytes(data):
        (tmp_path / "upload").write_bytes(data)
        return parse(tmp_path / "upload", "a.docx")

    return read_bytes


@pytest.fixture
def book(tmp_path):
    made = docx.Document()
    made.add_heading("Book", 0)
    made.add_paragraph("Before.")
    made.add_heading("One", 1)
    made.add_paragraph("First.")
    made.add_heading("Two", 2)
    table = made.add_table(2, 3)
    for row, texts in zip(table.rows, ("abc", "def"), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    inner = table.cell(1, 2).add_table(1, 1)
    inner.cell(0, 0).text = "inside"
    made.add_heading("Three", 1)
    made.save(tmp_path / "book.docx")
    return (tmp_path / "book.docx").read_bytes()


def test_paragraphs_and_tables_stand_below_their_headings(read, book):
    document = read(book)

    assert [
        (("Book",), "Book\n\nBefore."),
        (("One",), "One\n\nFirst."),
        (("One", "Two"), "Two\n\na b | c\nd | e | f inside"),
        (("Three",), "Three"),
    ] == [(each.heading, each.text) for each in document.sections]
    assert ("docx", "Book") == (document.type, document.title)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: b"no zip" * 9, "damaged Word document: not a whole zip archive"),
        (office.other_zip, "damaged Word document: parts are missing"),
        (office.docx_with_entities, "damaged Word document: declares entities"),
        (
            lambda: package.OLE + b"\0" * 600,
            "encrypted Word document, or one of the old formats of Office",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(read, make, reason):
    with pytest.raises(DocumentError) as refused:
        read(make())

    assert str(refused.value).startswith(reason)


def test_every_beginning_of_a_document_is_refused(read, book):
    for length in range(1, len(book), len(book) // 40):
        with pytest.raises(DocumentError, match="damaged Word document"):
            read(book[:length])


def test_what_unpacks_to_too_much_is_refused_before_it_is(read, tmp_path, monkeypatch):
    office.write_bomb(tmp_path / "bomb.docx", unpacked=12 << 20)
    bomb = (tmp_path / "bomb.docx").read_bytes()

    monkeypatch.setattr(package, "RATIO", 20)
    with pytest.raises(DocumentError, match=r"expands \d+ times, more than the limit of 20"):
        read(bomb)
    monkeypatch.setattr(package, "EXPANDED_BYTES", 1 << 20)
    with pytest.raises(DocumentError, match=r"expands to 0.0 GiB, more than the limit"):
        read(bomb)


def test_an_archive_of_countless_files_is_refused(tmp_path, read, monkeypatch):
    monkeypatch.setattr(package, "ENTRIES", 10)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(package.ENTRIES + 1):
            archive.writestr(str(number), b"")

    with pytest.raises(DocumentError, match="holds 11 files"):
        read((tmp_path / "many.zip").read_bytes())
