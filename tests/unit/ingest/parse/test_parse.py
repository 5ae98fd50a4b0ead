# SPDX-License-Identifier: Apache-2.0
import importlib
import sys

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import TABLE, parse, parser_for, text


@pytest.fixture
def upload(tmp_path):
    (tmp_path / "0").write_text("Some text.\n")
    return tmp_path / "0"


@pytest.mark.parametrize("parser", sorted({each.module for each in TABLE.values()}))
def test_every_format_in_the_table_has_its_reader(parser):
    assert callable(importlib.import_module(f"beast_ops.ingest.parse.{parser}").read)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("/a/README", "txt"),
        ("/a/notes.TXT", "txt"),
        ("/a/x.unknown", "txt"),
        ("/a.b/.bashrc", "txt"),
        ("/a/main.C", "code"),
        ("/a/PAGE.HTM", "html"),
        ("/a/page.rst.txt", "rst"),
        ("/a/archive.tar.md", "md"),
    ],
)
def test_the_name_decides_the_format(name, kind):
    assert kind == parser_for(name).type


def test_text_of_any_name_is_read(upload):
    document = parse(upload, "notes")

    assert ("txt", None) == (document.type, document.title)
    assert [((), "Some text.\n", None)] == [
        (each.heading, each.text, each.page) for each in document.sections
    ]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "a.md", "empty"),
        (b" \n\t\n", "a.txt", "no text found"),
        (bytes(range(256)), "a.txt", "not text: looks binary"),
        (b"\x89PNG", "a.png", "no reader for .png files"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(upload, content, name, reason):
    upload.write_bytes(content)

    with pytest.raises(DocumentError) as refused:
        parse(upload, name)

    assert reason == str(refused.value)
    assert name == refused.value.subject


def test_a_file_that_is_gone_is_a_failed_document(tmp_path):
    with pytest.raises(DocumentError, match="cannot read it: No such file"):
        parse(tmp_path / "gone", "a.txt")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(KeyError("x"), "damaged: the reader gave up"), (RecursionError(), "nested too deeply")],
)
def test_faults_of_readers_are_no_tracebacks(upload, monkeypatch, fault, reason):
    def read(*_):
        raise fault

    monkeypatch.setattr(text, "read", read)

    with pytest.raises(DocumentError, match=reason):
        parse(upload, "a.txt")


def test_memory_errors_pass_for_whoever_set_the_limit(upload, monkeypatch):
    def read(*_):
        raise MemoryError

    monkeypatch.setattr(text, "read", read)

    with pytest.raises(MemoryError):
        parse(upload, "a.txt")


def test_readers_are_loaded_when_they_are_needed():
    import subprocess

    code = "import sys, beast_ops.ingest.parse; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"selectolax", "pypdfium2", "docx", "lxml", "charset_normalizer"}.isdisjoint(loaded)
