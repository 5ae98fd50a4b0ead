# SPDX-License-Identifier: Apache-2.0
"""Batches: full ones, in order, and each document ends with the batch that holds its last chunk."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beast_ops.ingest.batches import Batches, Read, modified
from beast_ops.ingest.embedding import embedded
from beast_ops.ingest.parse import Document, Section
from beast_ops.ingest.settings import WorkerSettings
from beast_ops.ingest.state import Known
from beast_ops.ingest.target import Target
from beast_ops.llm import TextError
from beast_ops.llm.hashing import HashEmbedder

SETTINGS = WorkerSettings(chunk_characters=100, chunk_overlap=0, batch=4)
FILLING = "and some more words, so that it fills most of a chunk of a hundred characters alone"
NOTHING = Target("docs--1", None, None)


def read(name, *words, old=None, in_doubt=False):
    sections = tuple(Section((word,), f"{word} {FILLING}"[:90]) for word in words)
    known = Known(f"file://h/{name}", 1, 1, "x", "j")
    return Read(known, Document("txt", None, sections), old or {}, in_doubt, 0.1)


def batches_of(*reads, target=NOTHING):
    out, failed = [], []
    batches = Batches(
        SETTINGS,
        lambda points: lambda: embedded(target, points),
        lambda batch: out.append(batch()),
        lambda *told: failed.append(told),
    )
    for each in reads:
        batches.add(each)
    batches.flush()
    batches.flush()
    return out, failed, batches


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(1, 11), max_size=12))
def test_batches_hold_every_chunk_once_and_documents_end_with_their_last(sizes):
    words = [[f"w{doc}x{part}" for part in range(size)] for doc, size in enumerate(sizes)]
    out, _, _ = batches_of(*(read(f"d{doc}", *parts) for doc, parts in enumerate(words)))

    stored = [point.id for batch in out for point in batch.points]
    chunks = [list(done.chunks) for batch in out for done in batch.finished]
    assert [ident for ids in chunks for ident in ids] == stored
    assert len(sizes) == len(chunks)
    assert all(len(batch.points) <= SETTINGS.batch for batch in out)
    seen = set()
    for batch in out:
        seen |= {point.id for point in batch.points}
        assert all(seen >= set(done.chunks) for done in batch.finished)
        assert batch.sources >= {str(point.payload["source"]) for point in batch.points}


def test_what_did_not_change_is_not_stored_and_what_left_is_stale():
    first, _, _ = batches_of(read("a", "one", "two"))
    old = dict(first[0].finished[0].chunks)

    again, _, _ = batches_of(read("a", "one", "two", old=old))
    changed, _, _ = batches_of(read("a", "one", "six", old=old))

    assert ([], ()) == (again[0].points, again[0].finished[0].stale)
    kept, new = changed[0].finished[0].chunks
    assert [new] == [point.id for point in changed[0].points]
    assert {kept, *changed[0].finished[0].stale} == set(old)


@pytest.mark.parametrize(
    ("mtime_ns", "expected"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        (1_767_225_600_999_999_999, "2026-01-01T00:00:00+00:00"),
        (-1, "1969-12-31T23:59:59+00:00"),
        (2**63 * 10**9, None),
        (10**21, None),
    ],
)
def test_a_date_is_one_of_the_calendar_or_none(mtime_ns, expected):
    assert expected == modified(mtime_ns)


def test_a_new_date_is_told_to_chunks_that_stay_and_alone_makes_none_anew():
    first, _, _ = batches_of(read("a", "one", "two"))
    old = dict(first[0].finished[0].chunks)

    again, _, _ = batches_of(read("a", "one", "two", old=old))
    changed, _, _ = batches_of(read("a", "six", "ten", old=old))

    date = {"modified": "1970-01-01T00:00:00+00:00"}
    assert [None, date, None] == [each[0].finished[0].news for each in (first, again, changed)]
    assert date["modified"] == first[0].points[0].payload["modified"]


def test_chunks_without_a_digest_are_written_anew():
    first, _, _ = batches_of(read("a", "one"))
    old = dict.fromkeys(first[0].finished[0].chunks, "")

    again, _, _ = batches_of(read("a", "one", old=old))

    assert (1, ()) == (len(again[0].points), again[0].finished[0].stale)


class Picky(HashEmbedder):
    """A model that does not like some texts."""

    def embed_documents(self, texts):
        bad = {place: "too long" for place, text in enumerate(texts) if "bad" in text}
        rows = super().embed_documents(texts)
        if bad:
            raise TextError(bad, rows)
        return rows


def test_a_text_the_model_refuses_costs_its_document_and_no_other():
    target = Target("docs--1", None, Picky())
    out, failed, batches = batches_of(
        read("good", "one"),
        read("bad", *[f"bad{n}" for n in range(6)]),
        read("too", "two"),
        target=target,
    )

    assert {"file://h/bad"} == batches.refused
    assert [("file://h/bad", "too long")] == [(source, str(error)) for source, error in failed]
    assert ["file://h/good", "file://h/too"] == [
        done.known.source for batch in out for done in batch.finished
    ]
    assert {"file://h/good", "file://h/too"} == {
        point.payload["source"] for batch in out for point in batch.points
    }


def test_characters_that_cannot_be_stored_cost_their_document():
    broken = Read(
        Known("file://h/a", 1, 1, "x", "j"),
        Document("txt", "half \ud800", (Section((), "words"),)),
        {},
        in_doubt=False,
        seconds=0,
    )
    out, failed, batches = batches_of(broken, read("b", "one"))

    assert {"file://h/a"} == batches.refused
    assert "cannot be stored" in str(failed[0][1])
    assert ["file://h/b"] == [done.known.source for batch in out for done in batch.finished]


def test_vectors_belong_to_their_chunks():
    model = HashEmbedder()
    out, _, _ = batches_of(
        read("a", *(f"word{n}" for n in range(9))), target=Target("docs--1", None, model)
    )

    for point in (point for batch in out for point in batch.points):
        assert np.array_equal(model.embed_documents([point.payload["text"]])[0], point.dense)
        assert point.sparse is None


@pytest.mark.parametrize("count", [0, 4])
def test_nothing_or_exactly_a_batch_leaves_nothing_behind(count):
    reads = [read("a", *(f"word{n}" for n in range(count)))] if count else []
    out, _, _ = batches_of(*reads)

    assert [4][: count // 4] == [len(batch.points) for batch in out]
