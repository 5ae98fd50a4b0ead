# SPDX-License-Identifier: Apache-2.0
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.errors import MissingError, SettingsError
from beast_ops.evals.questions import Question, collections, file_of, load, read

GOOD = """\
questions:
  - question: How do I rotate the keys?
    sources: keys.md
    phrases: [rotate the KEYS, replace keys]
  - question: Who sleeps?
    sources: [cats.pdf, /docs/dogs.md]
"""


def test_a_set_is_read_and_one_may_stand_for_several():
    first, second = read(GOOD, "docs.yaml").questions

    assert first.sources == ("keys.md",)
    assert first.phrases == ("rotate the KEYS", "replace keys")
    assert second.sources == ("cats.pdf", "/docs/dogs.md")
    assert second.phrases == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("questions:\n- question: Why?\n", "line 2, questions.0.sources: Field required"),
        (GOOD + "  - question: 12\n    sources: a\n", "line 7, questions.2.question: "),
        (GOOD.replace("phrases:", "phrase:"), "line 4, questions.0.phrase: Extra inputs"),
        ("questions:\n- question: Why?\n  sources: []\n", "line 3, questions.0.sources: "),
        ("questions:\n- question: Why?\n  sources:\n  - a\n  - 7\n", "line 5, questions.0.sources"),
        ("questions:\n- question: ' '\n  sources: a\n", "line 2, questions.0.question: "),
        ("questions:\n- question: Why?\n  sources: a\n  phrases: it\n", "questions.0.phrases.0: "),
        (
            GOOD + "  - question: who  SLEEPS?\n    sources: a\n",
            "asked more than once: who sleeps?",
        ),
        ("questions: []\n", "line 1, questions: "),
        ("- question: Why?\n", "line 1, the file: "),
        ("", "line 1, the file: "),
        ("questions:\n  - a: [\n", "line 3: not YAML: "),
        ("a: b: c", "line 1: not YAML: "),
    ],
)
def test_what_is_wrong_is_named_with_line_and_key(text, expected):
    with pytest.raises(SettingsError) as refused:
        read(text, "/root/evals/docs.yaml")

    assert expected in str(refused.value)
    assert refused.value.subject == "/root/evals/docs.yaml"


@given(st.text())
def test_any_text_is_read_or_refused_in_our_words(text):
    with suppress(SettingsError):
        assert read(text, "x").questions


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner) | st.dictionaries(st.sampled_from(["questions", "question", "sources"]), inner)
)))  # fmt: skip
def test_any_shape_is_read_or_refused_in_our_words(value):
    import yaml

    with suppress(SettingsError):
        assert read(yaml.safe_dump(value), "x").questions


def test_order_and_layout_do_not_matter_to_the_digest_but_every_word_does():
    found = read(GOOD, "x")
    other = read(
        "questions:\n"
        "- {question: 'Who sleeps?', sources: [cats.pdf, /docs/dogs.md]}\n"
        "# about keys\n"
        "- question: How do I rotate the keys?\n"
        "  phrases: [rotate the KEYS, replace keys]\n"
        "  sources: [keys.md]\n",
        "y",
    )

    assert found.digest == other.digest
    assert found.digest != read(GOOD.replace("cats.pdf", "cat.pdf"), "x").digest


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("/docs/keys.md", "so Rotate\n  the keys now", True),
        ("file://host/docs/keys.md", "replace keys", True),
        ("keys.md", "replace keys", True),
        ("/docs/keys.md", "rotate them", False),
        ("/docs/monkeys.md", "replace keys", False),
        ("/keys.md/other", "replace keys", False),
    ],
)
def test_a_right_passage_is_of_a_right_source_and_says_a_phrase(name, text, expected):
    question = Question(
        question="How?", sources=("keys.md",), phrases=("rotate the KEYS", "replace keys")
    )

    assert expected is question.answered_by((name,), text)


def test_without_phrases_any_passage_of_the_source_will_do():
    question = Question(question="How?", sources=("/docs/keys.md",))

    assert question.answered_by(("/docs/keys.md",), "")
    assert question.answered_by(("/mnt/docs/keys.md", "file://h/x"), "")
    assert not question.answered_by(("/docs/other.md",), "keys")


def test_files_are_found_by_collection(tmp_path):
    for name in ("docs", "a.b"):
        file_of(tmp_path, name).write_text(GOOD)
    (tmp_path / ".docs.yaml.tmp").write_text("")
    (tmp_path / "folder.yaml").mkdir()

    assert collections(tmp_path) == ["a.b", "docs"]
    assert collections(tmp_path / "none") == []
    assert len(load(file_of(tmp_path, "a.b")).questions) == 2


def test_a_missing_file_says_where_to_write_it(tmp_path):
    with pytest.raises(MissingError, match="no golden questions") as refused:
        load(file_of(tmp_path, "docs"))

    assert str(tmp_path / "docs.yaml") in refused.value.hint


def test_a_file_that_is_no_text_is_refused(tmp_path):
    file_of(tmp_path, "docs").write_bytes(b"\xff\xfe\xff")

    with pytest.raises(SettingsError, match="cannot read"):
        load(file_of(tmp_path, "docs"))
