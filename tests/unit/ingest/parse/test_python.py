# SPDX-License-Identifier: Apache-2.0
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
