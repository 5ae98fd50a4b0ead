# SPDX-License-Identifier: Apache-2.0
from beast_ops.ingest.parse import parse

TEXT = """\
=====
Title
=====

intro

Part
====

text

Chapter :mod:`json`
-------------------

text

::

    no heading
    here

Other part
==========

====  ====
a     b
====  ====
"""


def test_levels_follow_the_order_of_styles(tmp_path):
    (tmp_path / "a").write_text(TEXT)

    document = parse(tmp_path / "a", "a.rst")

    assert [
        ("Title",),
        ("Title", "Part"),
        ("Title", "Part", "Chapter json"),
        ("Title", "Other part"),
    ] == [section.heading for section in document.sections]
    assert "Title" == document.title
    assert "rst" == document.type
    assert TEXT == "".join(section.text for section in document.sections)


def test_text_without_headings_is_one_section(tmp_path):
    (tmp_path / "a").write_text("Just text.\n")

    document = parse(tmp_path / "a", "a.rst.txt")

    assert [()] == [section.heading for section in document.sections]
    assert document.title is None


def test_what_only_looks_like_a_heading_is_none(tmp_path):
    (tmp_path / "a").write_text("====\nTitle\n======\n\n  indented\n=====\n\n****\n----\n")

    assert [()] == [section.heading for section in parse(tmp_path / "a", "a.rst").sections]
