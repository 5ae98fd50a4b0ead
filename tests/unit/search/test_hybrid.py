# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.errors import MissingError, UnavailableError, UsageError
from beast_ops.ingest.sparse import Bm25Encoder
from beast_ops.search.hybrid import _sparse
from beast_ops.search.model import SearchOptions
from beast_ops.search.store import Shape

PATHS = {"keys": "/docs/keys.md", "cats": "/docs/sub/cats.pdf", "dogs": "/other/dogs.md"}
ANIMALS = (0.0, 1.0, 0.05)


def embedding(*vector):
    async def embed(metadata, text):
        assert metadata["model"] == "test"
        assert text
        return vector

    return embed


async def no_model(_metadata, _text):
    raise UnavailableError("the model server does not answer", subject="test")


async def never(_metadata, _text):
    raise AssertionError("nothing was to be embedded")


def paths(answer):
    return [hit.place["path"] for hit in answer.hits]


def test_both_ways_are_fused_by_reciprocal_rank(ask):
    answer = ask("barking dogs", SearchOptions(limit=3), embedding(*ANIMALS))

    assert answer.mode == "hybrid"
    assert [PATHS["dogs"], PATHS["cats"], PATHS["keys"]] == paths(answer)
    assert answer.note == ""
    # k = 60: the dogs are first by words and second by meaning, ranks counted from 0 or 1
    assert answer.hits[0].score == pytest.approx(1 / 61 + 1 / 62, rel=0.03)


def test_meaning_finds_what_words_do_not(ask):
    answer = ask("pets", SearchOptions(limit=2), embedding(*ANIMALS))

    assert {PATHS["cats"], PATHS["dogs"]} == set(paths(answer))


def test_without_a_model_server_words_are_enough_and_the_answer_says_so(ask):
    answer = ask("rotating a key", SearchOptions(), no_model)

    assert answer.mode == "lexical"
    assert [PATHS["keys"]] == paths(answer)
    assert "the model server does not answer" in answer.note


def test_a_collection_without_dense_vectors_needs_no_model(ask):
    answer = ask("sleeping cats", SearchOptions(collection="words"), never)

    assert answer.mode == "lexical"
    assert [PATHS["cats"]] == paths(answer)
    assert answer.note == ""


def test_stop_words_alone_find_nothing(ask):
    answer = ask("the of and", SearchOptions(collection="words"), never)

    assert answer.hits == ()
    assert answer.mode == "lexical"


def test_stop_words_are_still_a_question_about_meaning(ask):
    answer = ask("the of and", SearchOptions(limit=1), embedding(*ANIMALS))

    assert answer.mode == "dense"
    assert [PATHS["cats"]] == paths(answer)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (SearchOptions(type="pdf"), {"cats"}),
        (SearchOptions(type="docx"), set()),
        (SearchOptions(source="/docs"), {"keys", "cats"}),
        (SearchOptions(source="/docs/"), {"keys", "cats"}),
        (SearchOptions(source="/docs", type="md"), {"keys"}),
        (SearchOptions(source="/doc"), set()),
        (SearchOptions(source="/docs/keys.md"), {"keys"}),
        (SearchOptions(source="file://host/other/dogs.md"), {"dogs"}),
        (SearchOptions(source="file://host/docs"), {"keys", "cats"}),
        (SearchOptions(source="/*/*.md"), {"keys", "dogs"}),
        (SearchOptions(source="*.md", limit=1), {"dogs"}),
    ],
)
def test_filters_hold_for_both_ways(ask, options, expected):
    answer = ask("dogs and cats and keys", options, embedding(0.0, 0.9, 0.1))

    assert {PATHS[name] for name in expected} == set(paths(answer))


def test_a_hit_tells_where_it_stands(ask):
    (hit,) = ask("cats", SearchOptions(type="pdf"), no_model).hits

    expected = {"path": PATHS["cats"], "type": "pdf", "heading": ["Top"], "page": 7}
    expected["author"] = "Ada"
    assert expected == hit.place
    assert hit.source == "file://host/docs/sub/cats.pdf"
    assert hit.chunk == "2"
    assert hit.text == "Cats sleep most of the day."


def test_no_such_collection_is_said_so(ask):
    with pytest.raises(MissingError, match="no such collection") as refused:
        ask("q", SearchOptions(collection="nope"), never)

    assert "./beast ingest" in refused.value.hint


def test_an_empty_query_is_refused_before_anything_is_asked(ask):
    with pytest.raises(UsageError, match="empty"):
        ask(" ", SearchOptions(collection="nope"), never)


def test_a_collection_of_meaning_alone_needs_no_words(ask):
    answer = ask("cats", SearchOptions(collection="meaning", limit=1), embedding(1.0, 0.0))

    assert answer.mode == "dense"
    assert len(answer.hits) == 1


def test_a_dense_vector_of_the_wrong_length_is_an_error_not_a_wrong_answer(ask):
    from beast_ops.errors import ServiceError

    with pytest.raises(ServiceError, match="answered 4"):
        ask("q", SearchOptions(), embedding(1.0))


@pytest.mark.parametrize("language", ["german", "english"])
def test_a_question_is_encoded_as_the_passages_were(language):
    shape = Shape("c", "c--1", 1, dense=False, sparse=True, metadata={"language": language})

    assert Bm25Encoder(language).query("the houses Häuser") == _sparse(shape, "the houses Häuser")
    assert Bm25Encoder("german").query("the houses") != Bm25Encoder("english").query("the houses")
