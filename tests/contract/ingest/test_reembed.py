# SPDX-License-Identifier: Apache-2.0
"""Vectors of another model: the same passages, no document read again, never half a collection."""

import random
import threading
from contextlib import closing

import pytest

from beast_ops.errors import UnavailableError
from beast_ops.ingest import feed
from beast_ops.ingest.members import Members
from beast_ops.ingest.reembed import Reembedding
from beast_ops.ingest.state import DocumentState
from beast_ops.jobs.table import JobTable
from beast_ops.llm.hashing import HashEmbedder

TEXTS = [f"Chapter {number} tells of {word} and of nothing else." for number, word in enumerate(
    ["amber", "basalt", "cobalt", "dolomite", "emerald", "feldspar", "granite", "hematite"]
)]  # fmt: skip


def ask(bench, what, model="hash-64", embedder="hash"):
    """Have a job of re-embedding done; return its result, or its error."""
    wish = {"collection": bench.collection, "what": what, "embedder": embedder, "model": model}
    with JobTable(bench.around.jobs) as jobs:
        name = jobs.add("reembed", wish)
    bench.work()
    job = bench.job(name)
    return job.error or dict(job.result)


def points_of(bench, collection):
    body = {"limit": 10_000, "with_payload": True, "with_vector": True}
    found = bench.ask("POST", f"/collections/{collection}/points/scroll", body)["points"]
    return {point["id"]: (point["payload"], point["vector"]) for point in found}


def assert_equal_but_for_meaning(bench, live, other):
    """Both have the same passages and words; the dense vectors are each of its own model."""
    here, there = points_of(bench, live), points_of(bench, other)
    assert set(here) == set(there)
    for ident, (payload, vectors) in here.items():
        assert payload == there[ident][0]
        assert vectors["text"] == there[ident][1]["text"]
        for point in (here[ident], there[ident]):
            made = HashEmbedder(len(point[1]["dense"])).embed_query(point[0]["text"])
            assert made == pytest.approx(point[1]["dense"], abs=1e-5)


@pytest.fixture
def filled(bench):
    made = bench()
    made.write(**{f"d{number}_md": text for number, text in enumerate(TEXTS)})
    made.ingest()
    yield made
    ask(made, "drop")


def members(bench):
    with Members(bench.around.state) as table:
        return table.of(bench.collection)


def test_a_second_collection_is_filled_and_takes_the_place_of_the_first(filled):
    first = filled.physical()

    made = ask(filled, "fill")

    assert first == filled.physical() == made["live"]
    assert_equal_but_for_meaning(filled, first, made["other"])

    switched = ask(filled, "switch")

    assert made["other"] == filled.physical() == switched["live"]
    assert len(TEXTS) == switched["passages"]
    assert filled.ingest()["documents"] == filled.counts(seen=len(TEXTS), unchanged=len(TEXTS))


def test_what_comes_in_meanwhile_reaches_both_before_and_after_the_switch(filled):
    first, second = filled.physical(), ask(filled, "fill")["other"]
    for live, other in ((first, second), (second, first)):
        filled.write(d0_md=f"Written while {live} is in force.", new_md=f"New in {live}.")
        filled.remove("d1_md") if live == first else filled.remove("d2_md")
        filled.ingest()  # and the job that keeps the other in step

        assert live == filled.physical()
        assert_equal_but_for_meaning(filled, live, other)
        ask(filled, "switch")

    assert first == filled.physical()


def test_the_way_back_serves_what_came_in_after_the_switch(filled):
    first = filled.physical()
    ask(filled, "fill")
    ask(filled, "switch")
    filled.write(late_md="Granted after the switch.")
    name = filled.send()
    with JobTable(filled.around.jobs) as jobs:  # the ingestion alone: nothing was carried over
        assert name
        jobs.add("reembed", {"collection": filled.collection, "what": "switch"})
    filled.work()

    assert first == filled.physical()
    assert "Granted after the switch." in filled.texts()


def test_what_is_dropped_is_gone_and_what_is_in_force_stays(filled):
    ask(filled, "fill")
    second = ask(filled, "switch")["live"]

    dropped = ask(filled, "drop")["dropped"]

    names = {each["name"] for each in filled.ask("GET", "/collections")["collections"]}
    assert second in names
    assert not names.intersection(dropped)
    assert [] == members(filled)
    assert filled.ingest()["documents"]["unchanged"] == len(TEXTS)
    assert "no second collection" in ask(filled, "switch")


def test_lexical_collections_get_meaning_without_a_document_read_again(bench):
    plain = bench(embedder="none")
    plain.write(a_md=TEXTS[0], b_md=TEXTS[1])
    plain.ingest()
    plain.files = {}  # nobody could send them again
    ask(plain, "fill")

    switched = ask(plain, "switch")

    assert 2 == switched["passages"]
    assert all("dense" in vectors for _, vectors in points_of(plain, switched["live"]).values())


def test_another_second_collection_and_the_same_model_are_refused(filled):
    assert "are made by hash hash-384 already" in ask(filled, "fill", "hash-384")
    ask(filled, "fill", "hash-64")

    refused = ask(filled, "fill", "hash-32")

    assert "hash-64" in refused
    assert f"./beast reembed {filled.collection} --drop" in refused


def test_nothing_is_switched_while_passages_are_missing(filled):
    first, second = filled.physical(), ask(filled, "fill")["other"]
    stray = {"points": [{"id": 7, "vector": {}, "payload": {"text": "of somebody else"}}]}
    filled.ask("PUT", f"/collections/{first}/points?wait=true", stray)

    refused = ask(filled, "switch")

    assert "nothing was switched" in refused
    assert second in refused
    assert first == filled.physical()


def test_it_goes_on_where_it_was_cut_off(filled, monkeypatch):
    monkeypatch.setattr(feed, "SOURCES_AT_ONCE", 2)
    embed, calls = HashEmbedder.embed_documents, []

    def failing(self, texts):
        calls.append(len(texts))
        if len(calls) == 3:
            raise UnavailableError("the model server is away")
        return embed(self, texts)

    monkeypatch.setattr(HashEmbedder, "embed_documents", failing)
    first = filled.physical()
    assert "away" in ask(filled, "fill")
    assert first == filled.physical()
    before = sum(calls[:2])

    made = ask(filled, "fill")

    assert sum(calls[3:]) == len(TEXTS) - before
    assert_equal_but_for_meaning(filled, first, made["other"])


def test_what_could_not_be_carried_over_is_tried_again(filled, monkeypatch):
    ask(filled, "fill")
    other = ask(filled, "switch")["other"]
    embed, away = HashEmbedder.embed_documents, threading.Event()

    def failing(self, texts):
        if away.is_set() and self.dimension == 384:
            raise UnavailableError("the old model is away")
        return embed(self, texts)

    monkeypatch.setattr(HashEmbedder, "embed_documents", failing)
    away.set()
    filled.write(late_md="Comes late to the old one.")
    assert 1 == filled.ingest()["documents"]["ingested"]
    with Members(filled.around.state) as table:
        assert 1 == table.count(other)
    away.clear()

    Reembedding(filled.around).tidy()
    filled.work()

    assert_equal_but_for_meaning(filled, filled.physical(), other)


def test_whatever_happens_in_whatever_order_both_stay_equal(bench, seed):
    dice, made = random.Random(seed), bench()  # noqa: S311 - repeatable, not secret
    made.write(d0_md=TEXTS[0])
    made.ingest()
    for _ in range(25):
        match dice.choice(["write", "remove", "fill", "switch", "drop"]):
            case "write":
                made.write(**{f"d{dice.randrange(6)}_md": f"{dice.choice(TEXTS)} {dice.random()}"})
                made.ingest()
            case "remove" if len(made.files) > 1:
                del made.files[dice.choice(sorted(made.files))]
                made.ingest()
            case "fill":
                ask(made, "fill", dice.choice(["hash-64", "hash-384"]))
            case what:
                ask(made, what)
        expected = sorted(text.decode() for text in made.files.values())
        assert expected == made.texts()
        live = made.physical()
        for other in members(made):
            if other != live:
                assert_equal_but_for_meaning(made, live, other)
    ask(made, "drop")


def test_a_document_in_doubt_is_in_doubt_behind_the_alias_too(filled):
    first, second = filled.physical(), ask(filled, "fill")["other"]
    source = "file://laptop/docs/d0.md"
    with DocumentState(filled.around.state) as state:
        state.intend(first, [source])
        with closing(Members(filled.around.state)) as table:
            table.doubt(first, second)

        ask(filled, "switch")

        assert {source} == state.in_doubt(second, [source])
