# SPDX-License-Identifier: Apache-2.0
"""A small document of each format that is an archive of XML, as bytes; the same each time."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
SLIDES = "http://schemas.openxmlformats.org/presentationml/2006/main"
SHEETS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
DUBLIN = "http://purl.org/dc/elements/1.1/"
CORE = f"""<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" xmlns:dc="{DUBLIN}"
 xmlns:dcterms="http://purl.org/dc/terms/"><dc:title>The Title</dc:title>
<dc:creator>Ada Lovelace</dc:creator><dcterms:created>2024-01-31T12:00:00Z</dcterms:created>
<dcterms:modified>2024-02-29T08:30:00Z</dcterms:modified><dc:language>en-GB</dc:language>
</cp:coreProperties>"""


def packed(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive of *parts*."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """Return the parts of *archive*."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def changed(archive: bytes, **parts: str | bytes) -> bytes:
    """Return *archive* with other *parts*; in their names `__` is a slash, and `_` a dot."""
    names = {name.replace("__", "/").replace("_", "."): part for name, part in parts.items()}
    return packed({**unpacked(archive), **names})


def with_entities(archive: bytes) -> bytes:
    """Return *archive* with a declaration of an entity at the beginning of each part."""
    declared = b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>'
    return packed({name: declared + part for name, part in unpacked(archive).items()})


def relations(**targets: str) -> str:
    """Return the relations of a part: the kind and the number of each make its id."""
    rows = "".join(
        f'<Relationship Id="{name}" Type="{OFFICE}/{name.rstrip("0123456789")}" Target="{target}"/>'
        for name, target in targets.items()
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{rows}</Relationships>'


def _office(main: str, parts: Mapping[str, str]) -> bytes:
    first = relations(officeDocument=main).replace(
        "</Relationships>",
        f'<Relationship Id="core" Type="{PACKAGE}/relationships/metadata/core-properties"'
        ' Target="/docProps/core.xml"/></Relationships>',
    )
    return packed({"_rels/.rels": first, "docProps/core.xml": CORE, **parts})


def shape(kind: str, *paragraphs: str) -> str:
    """Return a shape with *paragraphs*, in a placeholder of *kind*."""
    place = f'<p:nvPr><p:ph type="{kind}"/></p:nvPr>' if kind else ""
    said = "".join(f"<a:p><a:r><a:t>{escape(each)}</a:t></a:r></a:p>" for each in paragraphs)
    return f"<p:sp><p:nvSpPr>{place}</p:nvSpPr><p:txBody>{said}</p:txBody></p:sp>"


def slide(*shapes: str) -> str:
    """Return a slide of *shapes*, each XML."""
    space = f'xmlns:p="{SLIDES}" xmlns:a="{DRAWING}"'
    return f"<p:sld {space}><p:cSld><p:spTree>{''.join(shapes)}</p:spTree></p:cSld></p:sld>"


def pptx(lines: Sequence[str]) -> bytes:
    """Return a presentation: a title slide, and one with these lines, a table and notes."""
    table = "<a:tbl>{}</a:tbl>".format(
        "".join(
            "<a:tr>{}</a:tr>".format("".join(f"<a:tc>{_cell(cell)}</a:tc>" for cell in row))
            for row in (("Who", "What"), ("Ann", "Tea"))
        )
    )
    second = slide(
        shape("title", "Second slide"),
        shape("", *lines),
        f"<p:graphicFrame>{table}</p:graphicFrame>",
        shape("sldNum", "2"),
    )
    main = (
        f'<p:presentation xmlns:p="{SLIDES}" xmlns:r="{OFFICE}"><p:sldIdLst>'
        '<p:sldId id="256" r:id="slide1"/><p:sldId id="257" r:id="slide2"/>'
        "</p:sldIdLst></p:presentation>"
    )
    return _office(
        "ppt/presentation.xml",
        {
            "ppt/presentation.xml": main,
            "ppt/_rels/presentation.xml.rels": relations(
                slide1="slides/slide9.xml", slide2="slides/slide1.xml"
            ),
            "ppt/slides/slide9.xml": slide(shape("ctrTitle", "First slide")),
            "ppt/slides/slide1.xml": second,
            "ppt/slides/_rels/slide1.xml.rels": relations(notesSlide="../notesSlides/n.xml"),
            "ppt/notesSlides/n.xml": slide(shape("sldImg"), shape("body", "Speak slowly.")),
        },
    )


def _cell(text: str) -> str:
    return f"<a:txBody><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></a:txBody>"


def sheet(*rows: str) -> str:
    """Return a sheet of *rows*, each the XML of its cells."""
    inside = "".join(f"<row>{row}</row>" for row in rows)
    return f'<worksheet xmlns="{SHEETS}"><sheetData>{inside}</sheetData></worksheet>'


def xlsx(lines: Sequence[str]) -> bytes:
    """Return a workbook with two sheets: a table of all kinds of values, and these lines."""
    values = (
        '<c r="A3" t="s"><v>2</v></c><c r="B3" s="1"><v>45322</v></c>'
        '<c r="C3"><v>0.10000000000000001</v></c><c r="E3" t="b"><v>1</v></c>'
    )
    names = "".join(
        f'<c r="{place}" t="inlineStr"><is><t>{name}</t></is></c>'
        for place, name in zip(("A2", "B2", "C2", "D2", "E2"), NAMES, strict=True)
    )
    first = sheet('<c r="A1" t="s"><v>0</v></c>', names, values)
    second = sheet(
        *(f'<c t="inlineStr"><is><t>{escape(line)}</t></is></c>' for line in ("Line", *lines))
    )
    shared = "".join(
        f"<si><t>{text}</t><rPh><t>spoken</t></rPh></si>" for text in ("Stock list", "x", "Bolt M8")
    )
    formats = '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
    main = (
        f'<workbook xmlns="{SHEETS}" xmlns:r="{OFFICE}"><sheets>'
        '<sheet name="Stock" sheetId="1" r:id="worksheet1"/>'
        '<sheet name="Lines" sheetId="2" r:id="worksheet2"/></sheets></workbook>'
    )
    return _office(
        "xl/workbook.xml",
        {
            "xl/workbook.xml": main,
            "xl/_rels/workbook.xml.rels": relations(
                worksheet1="worksheets/one.xml",
                worksheet2="/xl/worksheets/two.xml",
                sharedStrings="sharedStrings.xml",
                styles="styles.xml",
            ),
            "xl/worksheets/one.xml": first,
            "xl/worksheets/two.xml": second,
            "xl/sharedStrings.xml": f'<sst xmlns="{SHEETS}">{shared}</sst>',
            "xl/styles.xml": f'<styleSheet xmlns="{SHEETS}">{formats}</styleSheet>',
        },
    )


NAMES = ("Part", "Bought", "Price", "Shelf", "Sold")


def odf(kind: str, inside: str) -> bytes:
    """Return an OpenDocument file of *kind* that holds *inside*."""
    spaces = " ".join(
        f'xmlns:{name}="{OASIS}:{space}:1.0"'
        for name, space in {
            "office": "office",
            "text": "text",
            "table": "table",
            "draw": "drawing",
            "presentation": "presentation",
            "meta": "meta",
        }.items()
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:{kind}>{inside}</office:{kind}>"
        "</office:body></office:document-content>"
    )
    meta = (
        f'<office:document-meta {spaces} xmlns:dc="{DUBLIN}"><office:meta>'
        "<dc:title>The Title</dc:title><meta:initial-creator>Ada Lovelace</meta:initial-creator>"
        "<dc:creator>Somebody Else</dc:creator><dc:language>en-GB</dc:language>"
        "<meta:creation-date>2024-01-31T12:00:00</meta:creation-date>"
        "<dc:date>2024-02-29T08:30:00</dc:date></office:meta></office:document-meta>"
    )
    manifest = f'<manifest:manifest xmlns:manifest="{OASIS}:manifest:1.0"/>'
    return packed({"content.xml": content, "meta.xml": meta, "META-INF/manifest.xml": manifest})


def odt(lines: Sequence[str]) -> bytes:
    """Return a text with headings, these lines, a list, a table, a note and a list of headings."""
    said = "".join(f"<text:p>{escape(line)}</text:p>" for line in lines)
    return odf(
        "text",
        "<text:table-of-content><text:index-body><text:p>Chapter 1</text:p></text:index-body>"
        "</text:table-of-content>"
        f'<text:h text:outline-level="1">Chapter</text:h>{said}'
        '<text:h text:outline-level="2">Part</text:h>'
        '<text:p>a<text:s text:c="3"/>b<text:tab/>c<text:line-break/><text:span>d</text:span>'
        "<office:annotation><text:p>a remark</text:p></office:annotation> e<text:note>"
        "<text:note-citation>1</text:note-citation><text:note-body><text:p>at the foot</text:p>"
        "</text:note-body></text:note></text:p>"
        "<text:list><text:list-item><text:p>item</text:p></text:list-item></text:list>"
        "<table:table><table:table-header-rows><table:table-row><table:table-cell><text:p>Who"
        "</text:p></table:table-cell><table:table-cell><text:p>What</text:p></table:table-cell>"
        "</table:table-row></table:table-header-rows></table:table>",
    )


def ods(lines: Sequence[str]) -> bytes:
    """Return a workbook with one sheet of these lines, each numbered; it ends as sheets do."""

    def row(*cells: str) -> str:
        inside = "".join(f"<table:table-cell>{cell}</table:table-cell>" for cell in cells)
        rest = '<table:table-cell table:number-columns-repeated="16382"/>'
        return f"<table:table-row>{inside}{rest}</table:table-row>"

    rows = [
        row(f"<text:p>{number}</text:p>", f"<text:p>{escape(line)}</text:p>")
        for number, line in enumerate(lines)
    ]
    names = row("<text:p>Number</text:p>", "<text:p>Line</text:p>")
    empty = row().replace("-row>", '-row table:number-rows-repeated="1048000">', 1)
    return odf(
        "spreadsheet",
        f'<table:table table:name="Stock">{names}{"".join(rows)}{empty}</table:table>',
    )


def odp(lines: Sequence[str]) -> bytes:
    """Return a presentation of one slide with these lines, and notes."""

    def frame(kind: str, *said: str) -> str:
        inside = "".join(f"<text:p>{escape(each)}</text:p>" for each in said)
        return (
            f'<draw:frame presentation:class="{kind}"><draw:text-box>{inside}</draw:text-box>'
            "</draw:frame>"
        )

    notes = f"<presentation:notes>{frame('notes', 'Speak slowly.')}</presentation:notes>"
    page = f"{frame('title', 'First slide')}{frame('outline', *lines)}{notes}"
    return odf("presentation", f"<draw:page>{page}</draw:page>")


def epub(lines: Sequence[str]) -> bytes:
    """Return a book of a cover and two chapters, one of them with these lines."""
    said = "".join(f"<p>{escape(line)}</p>" for line in lines)
    book = (
        '<!DOCTYPE package><package xmlns="http://www.idpf.org/2007/opf"><metadata'
        f' xmlns:dc="{DUBLIN}"><dc:title>The Title</dc:title><dc:creator>Ada Lovelace</dc:creator>'
        "<dc:creator>Charles Babbage</dc:creator><dc:language>en</dc:language>"
        "<dc:date>1843-07</dc:date></metadata><manifest>"
        '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
        '<item id="two" href="text/two%20.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>'
        '<item id="font" href="font.otf" media-type="font/otf"/></manifest><spine>'
        '<itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/><itemref idref="two"/>'
        '<itemref idref="gone"/></spine></package>'
    )
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head>'
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    return packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OEBPS/book.opf": book,
            "OEBPS/nav.xhtml": f"{page}<body><p>Contents</p></body></html>",
            "OEBPS/text/one.xhtml": f"{page}<body><h1>One</h1><a id='x'/>{said}</body></html>",
            "OEBPS/text/two .xhtml": f"{page}<body><h1>Two</h1><p>The end.</p></body></html>",
        }
    )


def eml(lines: Sequence[str]) -> bytes:
    """Return a message: these lines as plain text and as HTML, and a PDF attached."""
    from email.message import EmailMessage

    message = EmailMessage()
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "Charles Bäbbage <charles@example.org>"
    message["Subject"] = "The Title, größer"
    message["Date"] = "Wed, 31 Jan 2024 12:00:00 +0000"
    message.set_content("\n".join(lines), cte="quoted-printable")
    message.add_alternative(f"<p>{'<p>'.join(map(escape, lines))}", subtype="html")
    message.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="plän.pdf")
    message["Content-Language"] = "en-GB"
    message.set_boundary("one")
    message.get_payload(0).set_boundary("two")
    return message.as_bytes()


def mbox(lines: Sequence[str]) -> bytes:
    """Return a mailbox of two messages, the first of these lines."""
    envelope = b"From ada@example.org Wed Jan 31 12:00:00 2024\n"
    second = b"Subject: Re: Title\n\n>From here on.\n\nFrom what I know.\n"
    return envelope + eml(lines) + b"\n" + envelope + second


def srt(lines: Sequence[str]) -> bytes:
    """Return subtitles, a line every 40 seconds."""
    times = (f"00:{second // 60:02}:{second % 60:02}" for second in range(0, 3600, 40))
    return "\n".join(
        f"{number}\n{time},000 --> {time},900\n<i>{line}</i>\n"
        for number, (time, line) in enumerate(zip(times, lines, strict=False), 1)
    ).encode()


MAKERS = {"pptx": pptx, "xlsx": xlsx, "odt": odt, "ods": ods, "odp": odp, "epub": epub}
MESSAGES = {"eml": eml, "mbox": mbox, "srt": srt}
