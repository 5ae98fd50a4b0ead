# SPDX-License-Identifier: Apache-2.0
"""Each made document is what it claims to be."""

import json
import os
import stat
import sys
import zipfile
from collections import Counter
from pathlib import Path

import docx
import pypdfium2
import pytest

from tests.e2e import documents, office, samples


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, documents.Expectation]:
    folder = tmp_path_factory.mktemp("bad documents")
    return {each.path.name: each for each in documents.make(folder)}


def text_of(path: Path) -> str:
    if path.suffix == ".pdf":
        with pypdfium2.PdfDocument(path) as pdf:
            return "".join(
                pdf[number].get_textpage().get_text_range() for number in range(len(pdf))
            )
    if path.suffix == ".docx":
        return "\n".join(paragraph.text for paragraph in docx.Document(path).paragraphs)
    raw = path.read_bytes()
    if path.suffix[1:] in samples.MAKERS:
        return b"".join(samples.unpacked(raw).values()).decode()
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    return raw.decode("utf-16" if marked else "latin-1")


def test_what_must_be_ingested_contains_its_own_word(made):
    good = [each for each in made.values() if each.ok and each.says]

    assert len(good) > 30
    assert all(each.says in text_of(each.path) for each in good)


def test_no_word_is_used_twice(made):
    said = Counter(each.says for each in made.values() if each.says)

    assert set(said.values()) == {1}


def test_the_truncated_pdf_cannot_be_opened_and_the_encrypted_one_asks_for_a_password(made):
    with pytest.raises(pypdfium2.PdfiumError, match="Data format error"):
        pypdfium2.PdfDocument(made["truncated.pdf"].path)
    with pytest.raises(pypdfium2.PdfiumError, match="password"):
        pypdfium2.PdfDocument(made["encrypted.pdf"].path)
    with pypdfium2.PdfDocument(made["encrypted.pdf"].path, password="unknown") as opened:
        assert len(opened) == 1


def test_one_pdf_has_no_page_and_one_has_pages_without_text(made):
    raw = made["no-pages.pdf"].path.read_bytes()
    opened = pypdfium2.raw.FPDF_LoadMemDocument(raw, len(raw), None)
    assert opened
    assert pypdfium2.raw.FPDF_GetPageCount(opened) == 0
    pypdfium2.raw.FPDF_CloseDocument(opened)
    with pypdfium2.PdfDocument(made["only-images.pdf"].path) as scanned:
        assert len(scanned) == 2
    assert text_of(made["only-images.pdf"].path).strip() == ""


def test_the_bomb_is_small_and_would_unpack_to_two_gigabytes(made):
    path = made["bomb.docx"].path

    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("word/document.xml")

    assert path.stat().st_size < 12_000_000
    assert entry.file_size > 2_000_000_000


def test_a_bomb_of_harmless_size_is_a_valid_word_document(tmp_path: Path):
    office.write_bomb(tmp_path / "small.docx", unpacked=3 << 20)

    with zipfile.ZipFile(tmp_path / "small.docx") as archive:
        assert archive.testzip() is None
    assert text_of(tmp_path / "small.docx").count("The quick brown fox") > 40_000


def test_the_entities_are_nested_ten_deep_in_a_small_document(made):
    with zipfile.ZipFile(made["entities.docx"].path) as archive:
        xml = archive.read("word/document.xml").decode()

    assert xml.count("<!ENTITY") == 10
    assert len(xml) < 2000


def test_other_files_under_the_name_of_word_documents_are_none(made):
    assert not zipfile.is_zipfile(made["text.docx"].path)
    assert zipfile.is_zipfile(made["other-zip.docx"].path)


def test_encodings_are_what_their_names_say(made):
    assert made["utf-16.txt"].path.read_bytes()[:2] in {b"\xff\xfe", b"\xfe\xff"}
    assert made["utf-8-sig.txt"].path.read_bytes()[:3] == b"\xef\xbb\xbf"
    for name in ("latin-1.txt", "invalid-utf8.txt"):
        with pytest.raises(UnicodeDecodeError):
            made[name].path.read_text(encoding="utf-8")


def test_the_unreadable_file_has_no_rights_and_is_expected_to_fail_unless_one_is_root(made):
    unreadable = made["unreadable.txt"]

    assert stat.S_IMODE(unreadable.path.stat().st_mode) == 0
    assert unreadable.ok is (os.geteuid() == 0)


def test_loops_and_specials_are_such(made):
    with pytest.raises(OSError, match="Too many levels"):
        made["loop.txt"].path.stat()
    with pytest.raises(FileNotFoundError):
        made["dangling.txt"].path.stat()
    assert (made["up"].path / "up" / "up" / "link-target.txt").is_file()
    assert made["pipe.txt"].path.is_fifo()
    assert made["socket.txt"].path.is_socket()
    assert made["endless.txt"].path.is_char_device()


def test_a_vanishing_file_is_there_until_it_vanishes(tmp_path: Path):
    (expected,) = documents.make(tmp_path, ["vanishing"])
    assert expected.path.is_file()

    assert documents.vanish(expected).ok is False
    assert not expected.path.exists()


def test_nested_structures_exceed_what_recursion_can_do(made):
    with pytest.raises(RecursionError):
        json.loads(made["nested.json"].path.read_text())
    assert made["nested.html"].path.read_text().count("<div>") > 10 * sys.getrecursionlimit()


def test_huge_texts_are_of_one_line(made):
    assert made["one-line.txt"].path.stat().st_size > 4_000_000
    assert "\n" not in made["one-line.txt"].path.read_text()
    assert made["field.csv"].path.stat().st_size > 131_072 * 5


def test_the_same_documents_are_made_each_time(tmp_path: Path):
    kinds = ["good", "contents", "encodings", "names"]
    first = documents.make(tmp_path / "first", kinds)
    second = documents.make(tmp_path / "second", kinds)

    for one, other in zip(first, second, strict=True):
        assert one.path.relative_to(tmp_path / "first") == other.path.relative_to(
            tmp_path / "second"
        )
        timed = one.path.suffix in {".docx", ".pdf"} or one.path.name == "renamed.ods"
        if not timed:  # they carry the time they were made
            assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.parametrize(
    ("ok", "error", "fault"),
    [
        (True, None, "ok is True"),
        (False, "something else", "says none of"),
        (None, None, "no line"),
        (False, "the file is EMPTY", ""),
    ],
)
def test_a_line_is_judged(ok, error, fault):
    expected = documents.Expectation(Path("a.txt"), ok=False, reason_contains=("empty",))

    found = expected.faults(ok=ok, error=error)

    assert (fault in found) if fault else (found == "")


def test_what_may_be_either_is_never_at_fault():
    either = documents.Expectation(Path("a.txt"), ok=None, line=False)

    assert [either.faults(ok=ok, error="x") for ok in (True, False, None)] == ["", "", ""]
