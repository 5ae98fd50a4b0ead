# SPDX-License-Identifier: Apache-2.0
from beast_ops.search.show import hits

HIT = {
    "score": 0.03279,
    "source": "file://h/a.pdf",
    "path": "/d/a.pdf",
    "text": "First line\nsecond \x1b]0;evil\x07 line",
    "chunk": "1",
    "heading": ["One", "Two\x1b[2J"],
    "page": 3,
}


def answer(*found, **more):
    return {"query": "q", "collection": "docs", "hits": list(found), "took_ms": 1.0, **more}


def test_a_hit_has_rank_score_path_place_and_passage():
    expected = (
        " 1  0.0328  /d/a.pdf\n"
        "    One > Two\\x1b[2J, page 3\n"
        "    First line second \\x1b]0;evil\\x07 line"
    )

    assert expected == hits(answer(HIT), terminal=False)


def test_a_hit_says_who_wrote_it_and_when():
    said = {"author": "Ada\x1b", "created": "2024-01-31T12:00:00Z"}

    shown = hits(answer({**HIT, **said}), terminal=False)

    assert "Two\\x1b[2J, page 3, by Ada\\x1b, 2024-01-31\n" in shown


def test_nothing_found_is_said_so():
    assert hits(answer(), terminal=False) == "Nothing found for: q"


def test_what_is_missing_leaves_no_line():
    bare = {"score": 1.0, "source": "file://h/a", "text": "t", "chunk": "1"}

    assert hits(answer(bare), terminal=False) == " 1  1.0000  file://h/a\n    t"


def test_the_note_stands_last():
    assert hits(answer(HIT, note="words only"), terminal=False).endswith("\n\n(words only)")


def test_on_a_terminal_it_is_as_wide_as_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    shown = hits(answer({**HIT, "text": "word " * 100}), terminal=True)

    assert "\x1b[1m 1  0.0328" in shown
    assert max(len(line) for line in shown.splitlines()[2:]) <= 50


def test_whether_it_is_a_terminal_is_asked_of_standard_output(capsys):
    assert capsys is not None  # which is then no terminal
    assert hits(answer(HIT)) == hits(answer(HIT), terminal=False)


def test_ranks_are_told_in_words():
    ranks = {"dense": {"rank": 3, "score": 0.81234}, "lexical": None}
    hit = {"score": 0.5, "source": "s", "text": "the passage", "ranks": ranks}

    shown = hits({"query": "q", "hits": [hit]}, terminal=False)

    assert "by meaning 3. (0.8123); by words not found" in shown


def test_the_order_before_and_after_a_second_look_is_told():
    ranks = {"fused": {"rank": 9, "score": 0.03}, "rerank": {"rank": 1, "score": 7.5}}
    hit = {"score": 7.5, "source": "s", "text": "the passage", "ranks": ranks}

    shown = hits({"query": "q", "hits": [hit]}, terminal=False)

    assert "by both 9. (0.0300); ordered anew 1. (7.5000)" in shown
