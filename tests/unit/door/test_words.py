# SPDX-License-Identifier: Apache-2.0
import pytest
from invoke.parser.argument import Argument

from beast_ops.door.verb import Manner
from beast_ops.door.words import Reader
from beast_ops.errors import UsageError

ARGUMENTS = (
    Argument(names=("query",), positional=True),
    Argument(names=("limit",), kind=int, default=10),
    Argument(names=("source",), default=""),
    Argument(names=("json",), kind=bool, default=False),
    Argument(names=("deep",), kind=bool, default=True),
    Argument(names=("set",), kind=list, default=[], attr_name="set_"),
)
QUERY = Manner("./beast search words", joined="query", short={"n": "limit"})
PLAIN = Manner("./beast verb WORD", short={"n": "limit"})


def read(*words, manner=QUERY, arguments=ARGUMENTS):
    return Reader("search", arguments, manner).read(words)


@pytest.mark.parametrize(
    ("words", "query"),
    [
        (["one"], "one"),
        (["one", "two", "three"], "one two three"),
        (["a whole question?"], "a whole question?"),
        (["-5", "degrees"], "-5 degrees"),
        (["-rf", "what", "is", "it"], "-rf what is it"),
        (["--force flag meaning"], "--force flag meaning"),
        (["--", "--json"], "--json"),
        (["--", "--help", "--", "x"], "--help -- x"),
        (["what", "is", "-"], "what is -"),
        (["a=b"], "a=b"),
        (["--x=y z"], "--x=y z"),
        ([""], ""),
        (["\udce9\U0001f600"], "\udce9\U0001f600"),
    ],
)
def test_a_query_is_what_is_no_option(words, query):
    expected = {"query": query}

    assert expected == read(*words).values


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["--limit", "3"], {"limit": 3}),
        (["--limit=3"], {"limit": 3}),
        (["-n", "3"], {"limit": 3}),
        (["--limit", "3", "--limit", "4"], {"limit": 4}),
        (["--source", "-odd"], {"source": "-odd"}),
        (["--source="], {"source": ""}),
        (["--source=a=b"], {"source": "a=b"}),
        (["--json"], {"json": True}),
        (["--no-deep"], {"deep": False}),
        (["--set", "a=b", "--set=c=d"], {"set_": ["a=b", "c=d"]}),
    ],
)
def test_options_stand_before_and_after_the_words(words, values):
    expected = {"query": "x y", **values}

    assert expected == read(*words, "x", "y").values
    assert expected == read("x", *words, "y").values
    assert expected == read("x", "y", *words).values


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ([], "QUERY is missing"),
        (["--json"], "QUERY is missing"),
        (["x", "--limit"], "--limit needs a value"),
        (["x", "--limit", "--json"], "--limit needs a value"),
        (["x", "--limit", "many"], "limit must be a number, not 'many'"),
        (["x", "--json=yes"], "--json takes no value"),
        (["x", "--limt", "3"], "no option --limt, did you mean --limit?"),
        (["--hepl"], "did you mean --help?"),
    ],
)
def test_what_makes_no_sense_is_said_with_an_example(words, part):
    with pytest.raises(UsageError) as caught:
        read(*words)

    assert part in str(caught.value)
    assert "./beast search words" in caught.value.hint


def test_a_near_miss_tells_how_to_search_for_it():
    with pytest.raises(UsageError, match="--limt") as caught:
        read("--limt")

    assert "put -- before it" in caught.value.hint


@pytest.mark.parametrize("word", ["-x", "--colour", "--jsonx"])
def test_verbs_without_a_query_refuse_unknown_options(word):
    with pytest.raises(UsageError, match=f"no option {word}"):
        read("x", word, manner=PLAIN)


def test_one_word_too_many_is_refused():
    with pytest.raises(UsageError, match="one word too many: 'y'"):
        read("x", "y", manner=PLAIN)


@pytest.mark.parametrize("word", ["-h", "--help"])
def test_help_wins_over_what_is_missing(word):
    assert read(word).help
    assert read(word, "--limit", "3").help


@pytest.mark.parametrize("word", ["-v", "--verbose"])
def test_every_verb_can_be_asked_to_say_more(word):
    reading = read("x", word)

    assert reading.verbose
    assert reading.values == {"query": "x"}


@pytest.mark.parametrize("word", ["-v", "--verbose"])
def test_a_verb_with_a_meaning_of_its_own_for_it_gets_it(word):
    arguments = (Argument(names=("verbose",), kind=bool, default=False),)

    reading = read(word, manner=Manner("x"), arguments=arguments)

    assert reading.values == {"verbose": True}
    assert not reading.verbose


def test_a_repeated_word_arrives_as_a_tuple():
    arguments = (Argument(names=("path",), positional=True),)

    reading = read("a b", "c", manner=Manner("x", many="path"), arguments=arguments)

    assert reading.values == {"path": ("a b", "c")}


def test_an_option_may_be_given_as_a_bare_word_too():
    arguments = (Argument(names=("service",), default=""),)
    manner = Manner("x", optional=("service",))

    assert read("qdrant", manner=manner, arguments=arguments).values == {"service": "qdrant"}
    assert read("--service=q", manner=manner, arguments=arguments).values == {"service": "q"}
    assert read(manner=manner, arguments=arguments).values == {}
    with pytest.raises(UsageError, match="too many"):
        read("--service=q", "r", manner=manner, arguments=arguments)


def test_a_tool_gets_every_word_the_verb_does_not_know():
    arguments = (
        Argument(names=("long",), kind=bool, default=False),
        Argument(names=("words",), kind=list, default=[]),
    )

    reading = read(
        "-x", "--long", "-k", "a b", "--", "--long",
        manner=Manner("x", rest="words"), arguments=arguments,
    )  # fmt: skip

    assert reading.values == {"long": True, "words": ["-x", "-k", "a b", "--long"]}
