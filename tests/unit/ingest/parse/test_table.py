# SPDX-License-Identifier: Apache-2.0
import csv

import pytest

from beast_ops.ingest.parse import parse


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        (tmp_path / "upload").write_text(text)
        (section,) = parse(tmp_path / "upload", "a.csv").sections
        return section.text

    return read_text


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_name_their_columns_whatever_separates_them(read, delimiter):
    text = "name,about\nAnn,first\nBob,second\n".replace(",", delimiter)

    assert "name: Ann\nabout: first\n\nname: Bob\nabout: second" == read(text)


def test_quoted_fields_may_hold_anything(read):
    assert 'a: x, "y"\nz\nb: 2' == read('a,b\n"x, ""y""\nz",2\n')


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "a,,c\n"])
def test_without_names_rows_are_just_rows(read, text):
    assert ": " not in read(text)


def test_rows_may_be_too_long_too_short_or_empty(read):
    assert "a: 1\nb: 2\n3\n\na: 1" == read("a,b\n1,2,3\n\n1\n")


def test_one_column_is_a_table_too(read):
    assert "name: Ann\n\nname: Bob" == read("name\nAnn\nBob\n")


def test_a_field_may_be_huge(read):
    before = csv.field_size_limit()

    assert len(read(f'a,b\n1,"{"long " * 100_000}"\n')) > 500_000
    csv.field_size_limit(before)
