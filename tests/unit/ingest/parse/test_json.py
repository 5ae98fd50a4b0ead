# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.errors import DocumentError
from beast_ops.ingest.parse import parse
from beast_ops.ingest.parse.flatten import record


@pytest.fixture
def read(tmp_path):
    def read_text(text, name="a.json"):
        (tmp_path / "upload").write_text(text)
        return parse(tmp_path / "upload", name)

    return read_text


def test_values_are_lines_with_their_paths():
    value = {"a": {"b": [1, {"c": "x"}]}, "d": True, "e": None, "f": "", "g": 1.5}

    assert "a.b[0]: 1\na.b[1].c: x\nd: true\ng: 1.5" == record(value)


def test_a_long_path_loses_its_beginning():
    value = "deep"
    for _ in range(100):
        value = {"level": value}

    assert record(value).startswith("…")
    assert len(record(value)) < 140


def test_keys_are_headings(read):
    document = read('{"title": "T", "b": {"c": 1}}')

    assert [("title",), ("b",)] == [section.heading for section in document.sections]
    assert ["title: T", "b.c: 1"] == [section.text for section in document.sections]
    assert "T" == document.title


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": 2}]', '{"key": [{"a": 1}, {"a": 2}]}'])
def test_each_record_of_a_list_is_a_paragraph(read, text):
    assert "a: 1\n\na: 2" == read(text).sections[0].text


@pytest.mark.parametrize("text", ['"word"', "42", "[1, 2]"])
def test_anything_may_be_at_the_top(read, text):
    assert read(text).sections[0].text


def test_what_is_nearly_json_is_kept_as_text(read):
    assert "{a: 1, // comment\n}" == read("{a: 1, // comment\n}").sections[0].text


def test_depth_is_no_problem(read):
    text = "[" * 100_000 + "]" * 100_000

    assert text == read(text).sections[0].text


def test_half_a_surrogate_pair_is_left_out(read):
    assert "a: xy" == read('{"a": "x\\ud800y"}').sections[0].text


def test_lines_of_json_are_paragraphs(read):
    assert (
        "a: 1\n\nno json\n\na: 2"
        == read('{"a": 1}\n\nno json\n{"a": 2}\n', "a.jsonl").sections[0].text
    )


def test_notebooks_are_read_without_their_output(read):
    cells = [
        {"cell_type": "markdown", "source": ["# Title\n", "text"]},
        {"cell_type": "code", "source": "# comment\nprint(1)", "outputs": ["secret"]},
        {"cell_type": "markdown", "source": "## Part"},
    ]

    document = read(json.dumps({"cells": cells}), "a.ipynb")

    assert [("Title",), ("Title", "Part")] == [section.heading for section in document.sections]
    assert "print(1)" in document.sections[0].text
    assert "Title" == document.title


@pytest.mark.parametrize("text", ["{}", "[]", "no json", '{"cells": [1]}', '{"cells": [{}]}'])
def test_what_is_no_notebook_is_refused(read, text):
    with pytest.raises(DocumentError, match="damaged notebook"):
        read(text, "a.ipynb")
