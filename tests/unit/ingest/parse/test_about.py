# SPDX-License-Identifier: Apache-2.0
"""Dates, names and languages come in one shape, whoever wrote them."""

import docx
import pytest

from beast_ops.ingest.parse import about
from beast_ops.ingest.parse.model import About


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("2024", "2024"),
        ("2024-01", "2024-01"),
        ("2024-01-31", "2024-01-31"),
        (" 2024-01-31T12:00:00Z ", "2024-01-31T12:00:00Z"),
        ("2024-01-31T12:00:00.123+01:00", "2024-01-31T12:00:00+01:00"),
        ("2024-13", None),
        ("2024-02-30", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_days_and_times_are_kept_if_they_are_some(said, found):
    assert found == about.moment(said)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("D:20240131", "2024-01-31"),
        ("D:2024", "2024-01-01"),
        ("20240131120000", "2024-01-31T12:00:00"),
        ("D:20240131120000Z", "2024-01-31T12:00:00Z"),
        ("D:20240131120000Z00'00'", "2024-01-31T12:00:00Z"),
        ("D:20240131120000+01'00'", "2024-01-31T12:00:00+01:00"),
        ("D:20241331", None),
        ("2024-01-31", "2024-01-31"),
        ("", None),
    ],
)
def test_times_of_pdf_are_understood(said, found):
    assert found == about.pdf_moment(said)


@pytest.mark.parametrize(
    ("said", "found"),
    [("en", "en"), ("en_US", "en-US"), ("zh-Hans-CN", "zh-Hans-CN"), ("und", None), ("x y", None)],
)
def test_languages_are_tags(said, found):
    assert found == about.language(said)


def test_names_are_one_line_each_once():
    assert "Ada, Charles" == about.names(["Ada\n", None, " ", "Charles", "Ada"])
    assert about.names([]) is None
    assert 200 == len(about.names(["x" * 999]) or "")


MARKDOWN = b"---\ntitle: T\nAuthors: [Ada, Charles]\ndate: 2024-01-31\nlang: de\n---\n# H\n\ntext\n"
RST = b"Title\n=====\n\n:Author: Ada\n:Date: 2024-01-31\n\ntext\n"
HTML = (
    b'<html lang=de><meta name=author content=Ada><meta property="article:published_time" '
    b'content="2024-01-31"><meta name="last-modified" content="soon"><p>text'
)
NOTEBOOK = b'{"cells": [{"source": "x"}], "metadata": {"language_info": {"name": "julia"}}}'


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.md", MARKDOWN, About("Ada, Charles", "2024-01-31", None, "de")),
        ("a.md", b"# H\n\nauthor: nobody\n", About()),
        ("a.rst", RST, About("Ada", "2024-01-31")),
        ("a.html", HTML, About("Ada", "2024-01-31", None, "de")),
        ("a.ipynb", NOTEBOOK, About(language="julia")),
        ("a.py", b"x = 1\n", About(language="python")),
        ("a.txt", b"x", About()),
    ],
)
def test_documents_say_it_each_in_its_way(read_as, name, content, found):
    assert found == read_as(name, content).about


def test_word_documents_say_it_too(read_as, tmp_path):
    from datetime import UTC, datetime

    made = docx.Document()
    made.add_paragraph("text")
    said = made.core_properties
    said.author, said.language, said.created = "Ada", "de", datetime(2024, 1, 31, tzinfo=UTC)
    made.save(str(tmp_path / "a.docx"))

    found = read_as("a.docx", (tmp_path / "a.docx").read_bytes()).about

    assert ("Ada", "de") == (found.author, found.language)
    assert (found.created or "").startswith("2024-01-31T00:00:00")
