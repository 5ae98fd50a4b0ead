# SPDX-License-Identifier: Apache-2.0
"""What a model is told of what the hands did."""

from beast_ops.tasks.hands import Outside, open_hands
from beast_ops.tasks.model import Allowed, Limits
from beast_ops.tasks.tools import Read


def seen(tmp_path, content, line=1, context=100):
    (tmp_path / "a.md").write_text(content)
    limits = Limits(context=context)
    allowed = Allowed(folders={"notes": tmp_path})
    with open_hands(allowed, limits, "t", Outside(lambda *_: ())) as hands:
        return hands.do(Read("notes", ("a.md",), line)).text


def test_a_line_that_is_cut_is_said_to_be(tmp_path):
    assert "x" * 100 + "\n(Line 1 is cut: it has 150 characters.)" == seen(tmp_path, "x" * 150)


def test_a_cut_line_hides_no_lines_after_it(tmp_path):
    found = seen(tmp_path, "x" * 150 + "\nb\n")

    assert found.endswith("(Line 1 is cut: it has 151 characters.)\n(Lines 1 to 1 of 2.)")


def test_beyond_the_end_there_is_nothing_and_that_is_said(tmp_path):
    assert "(There are 2 lines.)" == seen(tmp_path, "a\nb\n", line=7)


def test_what_fits_is_told_as_it_is(tmp_path):
    assert "a\nb\n" == seen(tmp_path, "a\nb\n")
