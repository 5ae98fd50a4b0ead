# SPDX-License-Identifier: Apache-2.0
import time

import pytest

from beast_ops.ingest.parse import parse

SOURCE = '''\
#!/usr/bin/env python3
"""Tell the time."""

import time


@cache
@wraps(
    other,
)
def now():
    def inner(): ...


async def later(): ...


class Clock:
    def tick(self): ...
'''


def test_functions_and_classes_are_sections_with_their_decorators(tmp_path):
    (tmp_path / "a").write_text(SOURCE)

    document = parse(tmp_path / "a", "clock.py")

    assert [(), ("now",), ("later",), ("Clock",)] == [each.heading for each in document.sections]
    assert document.sections[1].text.startswith("@cache\n")
    assert "Tell the time." == document.title
    assert "code" == document.type
    assert SOURCE == "".join(section.text for section in document.sections)


def test_source_that_is_broken_is_read_all_the_same(tmp_path):
    (tmp_path / "a").write_text("print 'two'\ndef (:\ndef f(\n")

    assert [(), ("f",)] == [each.heading for each in parse(tmp_path / "a", "a.py").sections]


@pytest.mark.parametrize("space", [" ", "\t", " \t", "\n"])
def test_spaces_without_end_before_and_in_a_docstring_take_no_time(tmp_path, space):
    run = space * 100_000
    (tmp_path / "a").write_text(f'{run}"""{run}{"a" * 100}{run}{"b" * 300}')
    begun = time.perf_counter()

    parse(tmp_path / "a", "a.py")

    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ('"""One.\n\nMore.\n"""', "One."),
        ("# a\n\nr''' One. '''", "One."),
        ('"""\n    One.\n    """', "One."),
        ('"""One.\n"""', "One."),
        (f'"""{"a" * 201}"""', None),
        ("pass", None),
    ],
)
def test_the_first_line_of_the_docstring_is_the_title(tmp_path, source, title):
    (tmp_path / "a").write_text(source)

    assert title == parse(tmp_path / "a", "a.py").title
