# SPDX-License-Identifier: Apache-2.0
"""Presentations, workbooks, OpenDocument and EPUB: what they say, and what is refused."""

import io
import zipfile

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import package
from beast_ops.ingest.parse.model import About
from tests.e2e import office, samples

LINES = ["One & two.", "Three."]
every_format = pytest.mark.parametrize("kind", samples.MAKERS)


def sections(document):
    return [(each.heading, each.text, each.page) for each in document.sections]


def test_slides_come_in_their_order_with_tables_and_notes(read_as):
    document = read_as("a.pptx", samples.pptx(LINES))

    second = "Second slide\n\nOne & two.\nThree.\n\nWho | What\nAnn | Tea\n\nNotes: Speak slowly."
    assert [
        (("First slide",), "First slide", 1),
        (("Second slide",), second, 2),
    ] == sections(document)
    assert ("pptx", "The Title") == (document.type, document.title)


def test_what_old_programs_would_show_instead_is_not_said_twice(read_as):
    shape = samples.shape("", "Once.")
    both = f"<m:Choice>{shape}</m:Choice><m:Fallback>{shape}</m:Fallback>"
    slide = samples.slide(f"<m:AlternateContent xmlns:m='x'>{both}</m:AlternateContent>")

    found = read_as("a.pptx", samples.changed(samples.pptx([]), ppt__slides__slide9_xml=slide))

    assert ((), "Once.", 1) == sections(found)[0]


def test_rows_of_sheets_name_their_columns(read_as):
    document = read_as("a.xlsx", samples.xlsx(LINES))

    assert [
        (
            ("Stock",),
            "Stock list\n\nPart: Bolt M8\nBought: 2024-01-31\nPrice: 0.1\nSold: true",
            None,
        ),
        (("Lines",), "Line: One & two.\n\nLine: Three.", None),
    ] == sections(document)
    assert ("xlsx", "The Title") == (document.type, document.title)


@pytest.mark.parametrize(
    ("number", "code", "value", "said"),
    [
        (14, "", "61", "1900-03-01"),
        (22, "", "45322.5", "2024-01-31 12:00"),
        (20, "", "0.75", "18:00"),
        (14, "", "1e300", "1e300"),
        (14, "", "nonsense", "nonsense"),
        (2, "", "1234.5", "1234.5"),
        (164, "yyyy\\-mm\\-dd", "45322", "2024-01-31"),
        (164, '[$-409]d" of "mmmm', "45322", "2024-01-31"),
        (164, '0.00" hours"', "45322", "45322"),
        (164, "[Red]0", "45322", "45322"),
    ],
)
def test_numbers_are_shown_as_dates_where_the_sheet_does(read_as, number, code, value, said):
    formats = f'<numFmts><numFmt numFmtId="164" formatCode="{code.replace(chr(34), "&quot;")}"/>'
    styles = (
        f'<styleSheet xmlns="{samples.SHEETS}">{formats}</numFmts><cellXfs>'
        f'<xf numFmtId="{number}"/></cellXfs></styleSheet>'
    )
    sheet = samples.sheet(f'<c r="A1" s="0"><v>{value}</v></c>')

    document = read_as(
        "a.xlsx",
        samples.changed(samples.xlsx([]), xl__styles_xml=styles, xl__worksheets__one_xml=sheet),
    )

    assert said == document.sections[0].text


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('<c t="s"><v>99</v></c><c><v>1</v></c>', "1"),
        ('<c t="s"><v>x</v></c><c><v>1</v></c>', "1"),
        ('<c t="b"><v>0</v></c>', "false"),
        ('<c t="e"><v>#N/A</v></c><c t="str"><v>sum</v></c>', "sum"),
        ('<c t="d"><v>2024-01-31</v></c>', "2024-01-31"),
        ('<c r="XFE1"><v>7</v></c><c r="B1"><v>8</v></c>', "8"),
    ],
)
def test_cells_of_all_kinds_are_read(read_as, cell, said):
    book = samples.changed(samples.xlsx([]), xl__worksheets__one_xml=samples.sheet(cell))

    assert said == read_as("a.xlsx", book).sections[0].text


def test_workbooks_may_count_days_from_1904(read_as):
    book = samples.unpacked(samples.xlsx([]))
    since = book["xl/workbook.xml"].replace(b"<sheets>", b'<workbookPr date1904="1"/><sheets>')

    document = read_as("a.xlsx", samples.changed(samples.xlsx([]), xl__workbook_xml=since))

    assert "Bought: 2028-02-01" in document.sections[0].text


def test_texts_stand_below_their_headings(read_as):
    document = read_as("a.odt", samples.odt(LINES))

    part = "Part\n\na   b\tc\nd e\nat the foot\n\n- item\n\nWho | What"
    assert [
        (("Chapter",), "Chapter\n\nOne & two.\n\nThree.", None),
        (("Chapter", "Part"), part, None),
    ] == sections(document)
    assert ("odt", "The Title") == (document.type, document.title)


def test_a_sheet_that_repeats_nothing_a_million_times_is_small(read_as):
    document = read_as("a.ods", samples.ods(LINES))

    text = "Number: 0\nLine: One & two.\n\nNumber: 1\nLine: Three."
    assert [(("Stock",), text, None)] == sections(document)


def test_slides_of_opendocument_have_notes_too(read_as):
    document = read_as("a.odp", samples.odp(LINES))

    text = "First slide\n\nOne & two.\nThree.\n\nNotes: Speak slowly."
    assert [(("First slide",), text, 1)] == sections(document)


def test_books_are_read_in_order_without_their_contents(read_as):
    document = read_as("a.epub", samples.epub(LINES))

    assert [
        (("One",), "One\n\nOne & two.\n\nThree.", None),
        (("Two",), "Two\n\nThe end.", None),
    ] == sections(document)
    assert ("epub", "The Title") == (document.type, document.title)


@pytest.mark.parametrize(
    ("kind", "about"),
    [
        *(
            (kind, About("Ada Lovelace", "2024-01-31T12:00:00Z", "2024-02-29T08:30:00Z", "en-GB"))
            for kind in ("pptx", "xlsx")
        ),
        *(
            (kind, About("Ada Lovelace", "2024-01-31T12:00:00", "2024-02-29T08:30:00", "en-GB"))
            for kind in ("odt", "ods", "odp")
        ),
        ("epub", About("Ada Lovelace, Charles Babbage", "1843-07", None, "en")),
    ],
)
def test_they_say_who_wrote_them_and_when(read_as, kind, about):
    assert about == read_as(f"a.{kind}", samples.MAKERS[kind](LINES)).about


@every_format
def test_every_beginning_of_one_is_refused(read_as, kind):
    whole = samples.MAKERS[kind](LINES)

    for length in range(1, len(whole), len(whole) // 20):
        with pytest.raises(DocumentError, match="not a whole zip archive"):
            read_as(f"a.{kind}", whole[:length])


@every_format
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zip" * 9, "not a whole zip archive"),
        (package.OLE + b"\0" * 600, "encrypted .*, or one of the old formats of Office"),
        (office.other_zip(), "parts are missing"),
        (office.docx([]), "parts are missing|no text found"),
        (samples.pptx([]), "parts are missing|First slide|no text found"),
    ],
)
def test_what_is_something_else_is_refused(read_as, kind, content, reason):
    if content == samples.pptx([]) and kind == "pptx":
        return
    with pytest.raises(DocumentError, match=reason):
        read_as(f"a.{kind}", content)


BILLION = '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@every_format
@pytest.mark.parametrize("declared", [BILLION, OUTSIDE, BILLION.rjust(100_000)])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_entities_are_refused_in_every_part(read_as, kind, declared, encoding):
    parts = samples.unpacked(samples.MAKERS[kind](LINES))
    refused = 0
    for name, part in parts.items():
        if name.endswith((".xhtml", "mimetype", "manifest.xml")):
            continue
        text = part.decode().replace("<!DOCTYPE package>", "")
        mark = {"utf-8": b"", "utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[encoding]
        broken = mark + f"{declared.strip()}{' ' * declared.count(' ')}{text}".encode(encoding)
        with pytest.raises(DocumentError, match="declares entities"):
            read_as(f"a.{kind}", samples.packed({**parts, name: broken}))
        refused += 1
    assert refused >= 2


@every_format
def test_damaged_parts_are_refused(read_as, kind):
    parts = samples.unpacked(samples.MAKERS[kind](LINES))
    for name in parts:
        if name.endswith((".xhtml", "mimetype")):
            continue
        with pytest.raises(DocumentError, match="its XML cannot be read"):
            read_as(f"a.{kind}", samples.packed({**parts, name: parts[name][:-9] + b"<"}))


@every_format
def test_a_part_whose_checksum_is_wrong_is_refused(read_as, kind):
    whole = samples.MAKERS[kind](LINES)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:  # stored, so that a letter can be changed
        for name, part in samples.unpacked(whole).items():
            archive.writestr(name, part)
    broken = out.getvalue().replace(b"<", b">", 3)

    with pytest.raises(DocumentError, match="it cannot be unpacked"):
        read_as(f"a.{kind}", broken)


def test_other_ways_to_pack_are_refused(read_as):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("content.xml", "<x/>")

    with pytest.raises(DocumentError, match="no program writes"):
        read_as("a.odt", out.getvalue())


def test_parts_that_need_a_password_are_refused(read_as):
    whole = bytearray(samples.odt(LINES))
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = whole.find(mark)
        while at >= 0:
            whole[at + place] |= 1  # APPNOTE.TXT 4.4.4: the entry is encrypted
            at = whole.find(mark, at + 1)

    with pytest.raises(DocumentError, match="encrypted OpenDocument file"):
        read_as("a.odt", bytes(whole))


def test_encrypted_opendocument_is_named_so(read_as):
    manifest = (
        f'<m:manifest xmlns:m="{samples.OASIS}:manifest:1.0"><m:file-entry>'
        "<m:encryption-data/></m:file-entry></m:manifest>"
    )
    parts = samples.unpacked(samples.odt(LINES))

    with pytest.raises(DocumentError, match="encrypted OpenDocument file: needs a password"):
        read_as("a.odt", samples.packed({**parts, "META-INF/manifest.xml": manifest}))


@pytest.mark.parametrize(
    ("way", "refused"),
    [("http://www.w3.org/2001/04/xmlenc#aes128-cbc", True), (min(package.PACKINGS), None)],
)
def test_protected_books_are_named_so_but_not_those_that_hide_fonts(read_as, way, refused):
    font = "http://www.idpf.org/2008/embedding"
    rights = f'<e xmlns:x="y"><x:EncryptionMethod Algorithm="{way if refused else font}"/></e>'
    parts = {**samples.unpacked(samples.epub(LINES)), "META-INF/encryption.xml": rights}

    if refused:
        with pytest.raises(DocumentError, match="protected EPUB book"):
            read_as("a.epub", samples.packed(parts))
    else:
        assert read_as("a.epub", samples.packed(parts)).sections


def test_cells_that_all_say_the_same_large_thing_are_too_much(read_as):
    shared = f'<sst xmlns="{samples.SHEETS}"><si><t>{"x" * (1 << 20)}</t></si></sst>'
    sheet = samples.sheet(*['<c t="s"><v>0</v></c>'] * 70)
    book = samples.changed(
        samples.xlsx([]), xl__sharedStrings_xml=shared, xl__worksheets__one_xml=sheet
    )

    with pytest.raises(DocumentError, match="its text is larger than 64 MiB"):
        read_as("a.xlsx", book)


def test_a_cell_repeated_without_end_is_said_a_hundred_times(read_as):
    cell = '<table:table-cell table:number-columns-repeated="999999999"><text:p>x</text:p>'
    row = f"<table:table-row>{cell}</table:table-cell></table:table-row>"
    sheet = samples.odf("spreadsheet", f"<table:table>{row}</table:table>")

    assert 100 == read_as("a.ods", sheet).sections[0].text.count("x")


def test_slides_that_are_one_slide_are_read_once(read_as):
    show = samples.unpacked(samples.pptx(LINES))
    main = show["ppt/presentation.xml"].replace(
        b'<p:sldId id="256" r:id="slide1"/>', b'<p:sldId id="256" r:id="slide1"/>' * 1000
    )

    document = read_as("a.pptx", samples.packed({**show, "ppt/presentation.xml": main}))

    assert 2 == len(document.sections)


@pytest.mark.parametrize("suffix", ["doc", "xls", "ppt", "rtf"])
def test_old_formats_are_refused_with_advice(read_as, suffix):
    with pytest.raises(DocumentError, match=rf"no reader for \.{suffix} files: save it as \."):
        read_as(f"a.{suffix}", b"whatever")
