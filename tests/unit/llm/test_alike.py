# SPDX-License-Identifier: Apache-2.0
"""Which prompts ask the same; what is refused matters more than what is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beast_ops.llm.alike import LONGEST, sense

ASKED = "What is the capital of France?"


@pytest.mark.parametrize(
    "other",
    [
        "what is the capital of France",
        "What's the capital of France?",
        "What is the capital of France? Thanks!",
        "OK, do you know what the capital of France is?",
        "Please tell me: what is the capital of France?",
        "Hello! Could you tell me what the capital of France is?",
        "I would like to know what the capital of France is, please.",
    ],
)
def test_how_one_asks_makes_no_difference(other):
    assert sense(ASKED) == sense(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ASKED, "What is the capital of Spain?"),
        (ASKED, "What was the capital of France?"),
        (ASKED, "What is not the capital of France?"),
        ("How do I start the server?", "How do I stop the server?"),
        ("How do I install it?", "How do I uninstall it?"),
        ("Convert metres to feet", "Convert feet to metres"),
        ("Does the dog bite the man?", "Does the man bite the dog?"),
        ("What is 3 + 4?", "What is 4 + 3?"),
        ("What is 5!", "What is 5?"),
        ("What is -5?", "What is 5?"),
        ("What is 1.5?", "What is 15?"),
        ("What is 10%?", "What is 10?"),
        ("Name 3 rivers", "Name 4 rivers"),
        ("Name three rivers", "Name four rivers"),
        ("Where is it?", "When is it?"),
        ("Show it with comments", "Show it without comments"),
        ("List the error", "List the errors"),
        ("Is the server up?", "The server is up."),
        ("What does C do?", "What does C++ do?"),
        ("What is in US law?", "What is in us law?"),
        ("Who drank the Polish vodka?", "Who drank the polish vodka?"),
        ('What does "the end" mean?', 'What does "an end" mean?'),
        ("What does `rm -rf a` do?", "What does `rm -rf the` do?"),
        ("Open https://a.example/x", "Open https://a.example/y"),
        ("Voy a casa", "Voy casa"),
        ("Can you do it?", "You can do it"),
        ("I want it", "I do not want it"),
        ("I don't want it", "I do want it"),
        ("Geh nicht", "Geh"),
        ("How do you say thanks", "How do you say please"),
        ("Hello in French", "Hi in French"),
        ("Can you swim?", "Will you swim?"),
        ("Remind me to call", "Tell me to call"),
        ("Do you know him?", "Him?"),
        ('"Hello, world" is what?', '"Hi, world" is what?'),
        ("What does `what's` do?", "What does `what is` do?"),
        ("When do I use a and when the?", "When do I use the and when a?"),
        ("巴黎在哪里", "伦敦在哪里"),
        ("What is matter?", "What is the matter?"),
        ("What is a cloud?", "What is the cloud?"),
        ("Why do a few people like it?", "Why do few people like it?"),
        ("Translate to German: Polish", "Translate to German: polish"),
        ("Translate to German: Goodbye, thanks", "Translate to German: Goodbye"),
        ("How do you say goodbye, thanks?", "How do you say goodbye?"),
        ("Show the mistakes: lets eat, grandma", "Show the mistakes: lets eat grandma"),
        ("List the words:\nthe cat", "List the words:\ncat"),
        ("Polish", "polish"),
        ("Goodbye. Thanks.", "Goodbye."),
        ("How do you say 'a cat' in German?", "How do you say 'cat' in German?"),
        ("What is the plural of is?", "What is the plural of are?"),
        ("Which sheep is white?", "Which sheep are white?"),
        ("What is n!?", "What is n?"),
        ("What is f' if f is 2?", "What is f if f is 2?"),
        ("What is [x]?", "What is x?"),
        ("What does :) mean?", "What does mean?"),
        ("What is the operator ??", "What is the operator ?"),
        ("Explain the pattern a?", "Explain the pattern a"),
        ("Translate hello, please", "Translate hello"),
        ("Translate he is here?", "Translate he is here."),
        ('Show x"a b"', 'Show x "a b"'),
        ("How do you spell what's?", "How do you spell what is?"),
    ],
)
def test_what_asks_something_else_is_told_apart(one, other):
    assert sense(one) != sense(other)


@pytest.mark.parametrize("unfit", ["", "  ", "Please", "...", "Hello!", "x" * (LONGEST + 1)])
def test_what_says_nothing_or_too_much_is_compared_with_nothing(unfit):
    assert () == sense(unfit)


@given(words=st.lists(st.sampled_from(["not", "3", "7", "no", "never", "without"]), max_size=4))
def test_numbers_and_negations_are_never_lost(words):
    said = sense(" ".join(["Please tell me", *words, "the capital of France"]))

    assert words == [each for each in said if each in {"not", "3", "7", "no", "never", "without"}]


@given(text=st.text(max_size=60))
def test_any_text_can_be_read(text):
    assert all(sense(text))
    assert sense(f"  {text}\n") == sense(text)
