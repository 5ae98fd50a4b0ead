# SPDX-License-Identifier: Apache-2.0
"""Operators, dates, tags, ranks, groups and variety, on a real store."""

import pytest

from beast_ops import http
from beast_ops.errors import UsageError
from beast_ops.search.model import SearchOptions
from beast_ops.testing import Passage, fill
from tests.unit.search.test_hybrid import embedding, paths

OLD, NEW = "2025-12-31T23:59:59+00:00", "2026-01-01T00:00:00+00:00"
KEYS = "Rotate the master key of the store once a year."
PASSAGES = (
    Passage(KEYS, "/a.md", dense=(1, 0, 0), modified=OLD, tags=("work", "keys")),
    Passage(f"{KEYS} Really.", "/a.md", dense=(1, 0.01, 0), modified=OLD, tags=("work",)),
    Passage("The key of the master is a draft.", "/b.md", dense=(0, 1, 0), modified=NEW),
    Passage("Keys of pianos are black and white.", "/c.md", dense=(0, 0, 1)),
)


@pytest.fixture(scope="module", autouse=True)
def filled(vectors):
    url, key = vectors
    with http.client(url, headers={"api-key": key.read_text().strip()}) as client:
        fill(client, "ways", PASSAGES)
        bare = tuple(Passage(each.text, each.path) for each in PASSAGES)
        fill(client, "ways-words", bare)


@pytest.fixture
def find(ask):
    def finding(query, collection="ways", vector=(1.0, 0.2, 0.1), **said):
        return ask(query, SearchOptions(collection=collection, **said), embedding(*vector))

    return finding


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"master key"', {"/a.md"}),
        ('"key of the master"', {"/b.md"}),
        ("keys master -draft -pianos", {"/a.md"}),
        ('keys -"master key"', {"/b.md", "/c.md"}),
        ("key after:2026-01-01", {"/b.md"}),
        ("key before:2026-01-01", {"/a.md"}),
        ("key tag:keys", {"/a.md"}),
        ("key tag:none", set()),
        ("key source:/*.md type:md -master", {"/c.md"}),
    ],
)
def test_operators_hold_however_is_searched(find, mode, query, expected):
    assert expected == set(paths(find(query, mode=mode)))


def test_options_and_operators_are_one(find):
    said = find("key", after="2026-01-01").hits
    assert [hit.chunk for hit in find("key after:2026-01-01").hits] == [hit.chunk for hit in said]
    with pytest.raises(UsageError, match="not a day"):
        find("key", before="soon")


def test_dates_and_tags_come_with_a_hit(find):
    (hit, *_) = find('"master key"').hits

    assert hit.place["modified"] == OLD
    assert "work" in hit.place["tags"]


def test_ranks_are_said_of_each_way(find):
    answer = find("pianos", explain=True, limit=4)

    ranks = {hit.chunk: hit.ranks for hit in answer.hits}
    assert ranks["4"]["lexical"]["rank"] == 1
    assert ranks["4"]["dense"]["rank"] == 4
    assert ranks["1"]["lexical"] is None
    assert ranks["1"]["dense"] == {"rank": 2, "score": pytest.approx(0.9759, abs=1e-3)}
    assert answer.hits[0].as_dict()["ranks"] == answer.hits[0].ranks


def test_one_way_alone_says_its_own_ranks(find):
    (hit,) = find("pianos", explain=True, mode="lexical").hits

    assert set(hit.ranks) == {"lexical"}
    assert hit.score == hit.ranks["lexical"]["score"]
    assert find("pianos").hits[0].ranks is None


@pytest.mark.parametrize(("group", "count"), [(1, 1), (2, 2)])
def test_documents_are_counted_when_passages_are_grouped(find, group, count):
    found = paths(find("rotate the master key", group=group, limit=3))

    assert found.count("/a.md") == count
    assert len(set(found)) == 3


@pytest.mark.parametrize("collection", ["ways", "ways-words"])
def test_what_says_the_same_comes_later(find, collection):
    usual = [hit.chunk for hit in find("master key rotate", collection, limit=3).hits]
    varied = [hit.chunk for hit in find("master key rotate", collection, limit=3, mmr=0.3).hits]

    assert set(usual[:2]) == {"1", "2"}
    assert varied[0] in usual[:2]
    assert varied[1] not in usual[:2]


def test_candidates_that_were_not_enough_are_said(find, vectors):
    url, key = vectors
    many = tuple(Passage(f"Night number {n}.", f"/{n}.md") for n in range(25))
    with http.client(url, headers={"api-key": key.read_text().strip()}) as client:
        fill(client, "many", (*many, Passage("A single night.", "/one.md")))

    short = find("night -number", "many", limit=1)
    assert len(short.hits) + ("may be more" in short.note) == 1
    assert find("night", "many").note == ""


def test_a_whole_passage_or_what_is_left_out_of_it(find, vectors):
    url, key = vectors
    long = "Snow falls on the hills. " * 60
    with http.client(url, headers={"api-key": key.read_text().strip()}) as client:
        fill(client, "long", (Passage(long, "/long.md"),))

    (cut,) = find("snow", "long").hits
    (whole,) = find("snow", "long", whole=True).hits

    assert whole.text == long
    assert whole.left_out == 0
    assert cut.left_out == len(long) - len(cut.text.strip("…")) > 900
    assert cut.as_dict()["left_out"] == cut.left_out


def test_of_two_that_tie_the_one_found_by_words_comes_first_each_time(find, vectors):
    url, key = vectors
    first = {
        "alone": (
            Passage("Owls hunt.", "/words.md"),
            Passage("Night birds.", "/meaning.md", dense=(1, 0, 0)),
        ),
        "swapped": (
            Passage("Owls hunt by ear and by eye.", "/meaning.md", dense=(1, 0, 0)),
            Passage("Owls owls owls.", "/words.md", dense=(0.9, 0.1, 0)),
        ),
    }
    answers = {name: set() for name in first}
    with http.client(url, headers={"api-key": key.read_text().strip()}) as client:
        for name, passages in first.items():
            for n in range(8):  # chance differs from collection to collection
                fill(client, f"tie-{name}-{n}", passages)
                found = find("owls", f"tie-{name}-{n}", (1.0, 0.0, 0.0))
                answers[name].add(tuple(paths(found)))

    assert answers["alone"] == {("/words.md", "/meaning.md")}
    assert len(answers["swapped"]) == 1


def test_a_phrase_far_down_is_found_with_a_second_look(find, vectors):
    url, key = vectors
    near = tuple(Passage("Stone house, house stone.", f"/{n}.md") for n in range(250))
    with http.client(url, headers={"api-key": key.read_text().strip()}) as client:
        fill(client, "deep", (*near, Passage("A house of stone, a stone house too. " * 3, "/a.md")))

    answer = find('"of stone, a stone house"', "deep")

    assert ["/a.md"] == paths(answer)
    assert answer.note == ""
