# SPDX-License-Identifier: Apache-2.0
"""Whatever a model says, and in whatever pieces: only what it was given is cited."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from beast_ops.chat.citations import Checker, without

KNOWN = 3
SPACED = (" ", "\n", "[2, 3]", "[passage 3]")
PARTS = some.sampled_from(
    [
        *[
            "[1]",
            "[2,3]",
            "[9]",
            "[",
            "]",
            "(",
            ":",
            "1",
            "`",
            "```",
            "~~~",
            "text",
            "![",
            "!",
            "【2】",
            "[^1]",
            "<img",
            "<",
            "[2019]",
            "[1",
            ",",
            "[1](http://a)",
            "é",
        ],
        *SPACED,
    ]
)
ANSWERS = some.lists(PARTS, max_size=30).map("".join)


def check(text, known=KNOWN):
    checker = Checker(known)
    return checker.feed(text) + checker.end(), checker


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Once a year [1].", "Once a year [1]."),
        ("Once a year [1, 3].", "Once a year [1][3]."),
        ("Once a year[2].", "Once a year[2]."),
        ("Once a year 【1】.", "Once a year [1]."),
        ("Once a year [passage 1; 2].", "Once a year [1][2]."),
        ("Once a year [^1].", "Once a year [1]."),
        ("Once a year [7].", "Once a year."),
        ("Once a year [1, 7].", "Once a year [1]."),
        ("Once a year [0].", "Once a year."),
        ("In [2019] it was so.", "In [2019] it was so."),
        ("Write `a[7]` there [7].", "Write `a[7]` there."),
        ("Write ``a`[7]`` there.", "Write ``a`[7]`` there."),
        ("One ` alone [7]\nand [1]", "One ` alone\nand [1]"),
        ("```python\na[7]\n```\n[7] [1]", "```python\na[7]\n```\n [1]"),
        ("~~~\na[7]\n```\nb[7]\n~~~\n[7]", "~~~\na[7]\n```\nb[7]\n~~~\n"),
        ("```\na[7]", "```\na[7]"),
        ("See [1](http://evil.example/).", "See [1] (http://evil.example/)."),
        ("[1]: http://evil.example/", "[1] : http://evil.example/"),
        ("So says [1]: yes", "So says [1]: yes"),
        ("![x](http://evil.example/?q=1)", "! [x](http://evil.example/?q=1)"),
        ('<IMG src="http://evil.example/">', '&lt;IMG src="http://evil.example/">'),
        ("[[7]9] and [9[7]1]", "[[?]9] and [9[?]1]"),
        ("Yes![1] Yes!!【2】", "Yes! [1] Yes!! [2]"),
        ("A list [a] and [b c] (d)!", "A list [a] and [b c] (d)!"),
    ],
)
def test_citations_that_hold_stay_and_others_go(said, shown):
    assert shown == check(said)[0]


def test_what_was_cited_and_removed_is_counted():
    _, checker = check("a [2] b [9] c [1, 2, 8] ![x](y)")

    assert [2, 1] == checker.cited
    assert 2 == checker.removed
    assert 1 == checker.defused


def test_text_comes_as_soon_as_it_can():
    checker = Checker(KNOWN)

    assert "Once a year" == checker.feed("Once a year [")
    assert "" == checker.feed("1")
    assert "" == checker.feed("]")
    assert " [1]." == checker.feed(".")


def test_answers_of_another_time_lose_their_numbers():
    assert "Once a year. `a[1]`" == without("Once a year [1]. `a[1]`")


@given(ANSWERS, some.data())
def test_pieces_do_not_matter(said, data):
    cuts = sorted(data.draw(some.lists(some.integers(0, len(said)), max_size=8)))
    checker, shown = Checker(KNOWN), ""
    for begin, end in zip([0, *cuts], [*cuts, len(said)], strict=True):
        shown += checker.feed(said[begin:end])
    shown += checker.end()
    whole, other = check(said)

    assert whole == shown
    assert (other.cited, other.removed) == (checker.cited, checker.removed)


@settings(max_examples=1000)
@given(ANSWERS)
def test_nothing_is_cited_outside_code_that_was_not_given(said):
    shown, checker = check(said)

    assert set(checker.cited) <= set(range(1, KNOWN + 1))
    again, second = check(shown)
    if "`" not in said and "~" not in said:
        numbers = {int(each) for each in re.findall(r"\[([0-9]{1,3})\]", shown)}
        assert numbers <= set(checker.cited)
        assert "![" not in shown
    assert 0 == second.removed or "`" in said or "~" in said
    assert again or not shown


@given(some.text(alphabet=some.characters(exclude_characters="[]【】`!<~"), max_size=200))
def test_other_text_is_left_as_it_is(said):
    assert said == check(said)[0]
