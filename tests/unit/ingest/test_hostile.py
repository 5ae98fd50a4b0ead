# SPDX-License-Identifier: Apache-2.0
"""Documents made to do harm, and ones that chance damaged: none gets beyond its limits.

Real processes read real files. Every format has its valid sample, of which mutations are made:
of its bytes, and for archives also of the bytes of one part, packed again.
"""

import os
import random
import re
import threading
import time

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import TABLE, Document
from beast_ops.ingest.pool import ParserPool
from tests.e2e import office, samples, sources
from tests.e2e.knowledge import Memory

SECONDS, MEGABYTES = 30, 512
FILES, CAMPAIGN = 200, 5000
PARSERS = 2
OURS_MIB = 700  # the process of the tests itself
LOOK_SECONDS = 0.05
REASON_CHARACTERS = 200
TEXTS = {
    ".txt": "Some text.\n\nMore.\n",
    ".md": "---\ntitle: T\n---\n# H\n\ntext\n",
    ".rst": "Title\n=====\n\n:Author: Ada\n\ntext\n",
    ".html": "<html lang=en><title>T</title><h1>H</h1><p>text<table><tr><td>a</table>",
    ".csv": 'name,about\nAnn,"tea, hot"\n',
    ".json": '{"name": "Ann", "list": [{"a": 1}, {"a": null}]}',
    ".jsonl": '{"a": 1}\n{"a": [2]}\n',
    ".ipynb": '{"cells": [{"cell_type": "code", "source": ["x = 1"]}]}',
    ".py": '"""Doc."""\n\ndef f():\n    pass\n',
    ".vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Ann>Hello\n",
}
WHOLE = {
    **{suffix: text.encode() for suffix, text in TEXTS.items()},
    **{f".{kind}": make(["One.", "Two."]) for kind, make in samples.MAKERS.items()},
    **{f".{kind}": make(["One.", "Two."]) for kind, make in samples.MESSAGES.items()},
    **{
        next(s for s, parser in TABLE.items() if parser.language == language): text.encode()
        for language, (text, _) in sources.SAMPLES.items()
    },
    ".pdf": office.pdf(["One.", "Two."], pages=2),
    ".docx": office.docx(["One.", "Two."]),
}
ARCHIVES = {suffix for suffix, content in WHOLE.items() if content.startswith(b"PK")}
PIECES = (
    b"\0",
    b"\xff\xfe",
    b"<",
    b">",
    b"&a;",
    b"\n",
    b'"',
    b"{",
    b"}",
    b"9" * 20,
    b"-1",
    b"x" * 99,
)


def test_every_format_has_its_sample():
    read = {TABLE[suffix].module for suffix in WHOLE}

    assert {parser.module for parser in TABLE.values()} == read


@pytest.fixture
def judged(tmp_path):
    """Return a function that has documents read, and what became of each, within the limits."""

    def judge(documents):
        memory, over = Memory(os.getpid()), threading.Event()

        def look():
            while not over.wait(LOOK_SECONDS):
                memory.look()

        watch = threading.Thread(target=look)
        watch.start()
        items = []
        for number, (name, content) in enumerate(documents):
            path = tmp_path / str(number)
            path.write_bytes(content)
            items.append((number, path, name))
        try:
            with ParserPool(PARSERS, SECONDS, MEGABYTES) as pool:
                found = {number: outcome for number, outcome, _ in pool.map(items)}
        finally:
            over.set()
            watch.join()
        assert memory.most_mib < OURS_MIB + PARSERS * MEGABYTES
        return [found[number] for number in range(len(items))]

    return judge


def mutated(dice, content):
    """Return *content* with a few of its bytes changed, lost, doubled or exchanged."""
    data = bytearray(content)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(data) + 1)
        size = dice.choice((1, 1, 4, 50))
        how = dice.randrange(5)
        if how == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << dice.randrange(8)
        elif how == 1:
            del data[at : at + size]
        elif how == 2:
            data[at:at] = data[at : at + size] * dice.choice((1, 2, 300))
        elif how == 3:
            data[at:at] = dice.choice(PIECES)
        elif how == 4 and at:
            data = data[:at]
    return bytes(data)


def broken(dice, suffix):
    content = WHOLE[suffix]
    if suffix not in ARCHIVES or dice.random() < 0.3:
        return mutated(dice, content)
    parts = samples.unpacked(content)
    name = dice.choice(sorted(parts))
    return samples.packed({**parts, name: mutated(dice, parts[name])})


def test_documents_that_chance_damaged_cost_only_themselves(judged, rounds, seed):
    dice = random.Random(seed)  # noqa: S311 - reproducible, not secret
    begun = time.monotonic()
    suffixes = sorted(WHOLE)
    documents = [
        (f"a{suffix}", broken(dice, suffix))
        for suffix in (suffixes[n % len(suffixes)] for n in range(rounds(FILES, CAMPAIGN)))
    ]

    outcomes = judged(documents)

    for (name, content), outcome in zip(documents, outcomes, strict=True):
        if isinstance(outcome, DocumentError):
            reason = str(outcome)
            assert 0 < len(reason) < REASON_CHARACTERS, (name, reason)
            assert "crash" not in reason, (name, reason, content[:3000])
            assert "longer than" not in reason, (name, reason, content[:3000])
        else:
            assert isinstance(outcome, Document)
            assert outcome.sections
    read = sum(isinstance(outcome, Document) for outcome in outcomes)
    print(f"{read} of {len(documents)} were read, in {time.monotonic() - begun:.1f} s")
    assert 0 < read < len(documents)


def bomb(tmp_path, whole, part):
    office.write_bomb(tmp_path / "bomb", whole=whole, part=part)
    return (tmp_path / "bomb").read_bytes()


def test_archives_that_unpack_to_gigabytes_are_refused(judged, tmp_path):
    text = office.SPLIT.decode()
    made = {
        "a.docx": (office.docx([text]), "word/document.xml"),
        "a.odt": (samples.odt([text]), "content.xml"),
        "a.pptx": (samples.pptx([text]), "ppt/slides/slide1.xml"),
        "a.xlsx": (samples.xlsx([text]), "xl/worksheets/two.xml"),
        "a.epub": (samples.epub([text]), "OEBPS/text/one.xhtml"),
    }

    found = judged([(name, bomb(tmp_path, *how)) for name, how in made.items()])

    assert ["expands to 2.0 GiB, more than the limit of 0.5 GiB"] * 5 == [str(e) for e in found]


DEEP = "<text:list><text:list-item>" * 100_000
LINE = b"x" * 64_000_000
HEAD = b"From a@example.org Wed Jan 31 12:00:00 2024\nSubject: x\n\n"
MANY_CELLS = samples.sheet('<c r="A1"><v>1</v></c>' * 99_999)
NESTED = samples.packed({"a": b"0" * 5_000_000})  # never unpacked: nobody reads it
HARMFUL = [
    ("a.odt", samples.odf("text", DEEP), "its XML cannot be read"),
    ("a.odt", samples.odf("text", f"<text:p {'a' * 9_999_999}='1'/>"), "XML cannot be read"),
    ("a.mbox", HEAD + LINE, "needed more than|text is larger|^$"),
    ("a.eml", b"Subject: " + LINE, "needed more than|^$"),
    ("a.eml", b"Content-Type: multipart/mixed; boundary=b\nTo: x\n\n" + b"--b\n\n" * 200_000, ""),
    ("a.xlsx", samples.changed(samples.xlsx([]), xl__worksheets__one_xml=MANY_CELLS), ""),
    ("a.pptx", samples.changed(samples.pptx(["x"]), nested_zip=NESTED), "^$"),
    ("a.srt", b"00:00:01,000 --> " * 500_000, ""),
    ("a.docx", WHOLE[".xlsx"], "damaged Word document"),
    ("a.xlsx", WHOLE[".docx"], "no text found|parts are missing"),
    ("a.pdf", WHOLE[".docx"], "does not begin like one"),
    ("a.epub", WHOLE[".pdf"], "not a whole zip archive"),
    ("a.txt", WHOLE[".odt"], "binary"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "reason"), HARMFUL, ids=range(len(HARMFUL)))
def test_each_trick_ends_with_a_reason_or_harmlessly(judged, name, content, reason):
    good = ("b.html", b"<p>good")

    bad, after = judged([(name, content), good])

    said = str(bad) if isinstance(bad, DocumentError) else ""
    assert re.search(reason, said), said
    assert "crash" not in said
    assert "longer than" not in said
    assert isinstance(after, Document)
