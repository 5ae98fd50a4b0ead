# SPDX-License-Identifier: Apache-2.0
"""The last stage: final in order, few batches ahead, and silent once it may not write."""

import threading
import time

import pytest

from beast_ops.errors import LeaseLostError, UnavailableError
from beast_ops.ingest.state import DocumentState, Known
from beast_ops.ingest.store import Point
from beast_ops.ingest.writer import AHEAD, Batch, Finished, Writer

A = "file://h/a"
SECONDS = 10.0


class Notebook:
    """Writes down what the store is told."""

    def __init__(self):
        self.said = []
        self.wrong = None

    def upsert(self, _collection, points):
        if self.wrong:
            raise self.wrong
        self.said.append(("upsert", *[point.id for point in points]))

    def delete(self, _collection, ids):
        self.said.append(("delete", *ids))

    def delete_of(self, _collection, sources, but=()):
        self.said.append(("delete_of", *sources, "but", *but))


def finished(*stale, in_doubt=False):
    return Finished(Known(A, 1, 1, "x", "j"), {"new": "digest"}, stale, in_doubt, 0.1)


def batch(*ids, done=()):
    return Batch([Point(ident, {}) for ident in ids], frozenset({A}), done)


class Doors(Notebook):
    """Lets the points of each batch in when the test says so."""

    def __init__(self, *idents):
        super().__init__()
        self.doors = {ident: threading.Event() for ident in idents}
        self.asked = {ident: threading.Event() for ident in idents}

    def upsert(self, collection, points):
        self.asked[points[0].id].set()
        assert self.doors[points[0].id].wait(SECONDS)
        super().upsert(collection, points)


def whole(name):
    """Return a batch of one point that is all there is of the document *name*."""
    known = Known(f"file://h/{name}", 1, 1, name, "j")
    return Batch(
        [Point(name, {})],
        frozenset({known.source}),
        [Finished(known, {name: "digest"}, (), in_doubt=False, seconds=0.1)],
    )


def final(state, *names):
    """Return which of the documents *names* are final."""
    known = state.known("docs--1", [f"file://h/{name}" for name in names])
    return {source.removeprefix("file://h/") for source in known}


def in_the_end(look, expected):
    deadline = time.monotonic() + SECONDS
    while look() != expected and time.monotonic() < deadline:
        time.sleep(0.005)
    return look()


@pytest.fixture
def state(tmp_path):
    with DocumentState(tmp_path / "state.sqlite") as opened:
        yield opened


def free():
    return None


def test_points_are_stored_before_what_they_replace_leaves(state):
    store, done = Notebook(), []
    with Writer(store, state, "docs--1", free, done.append) as writer:
        writer.put(lambda: batch("new", done=[finished("old", in_doubt=True)]))

    assert [("upsert", "new"), ("delete", "old"), ("delete_of", A, "but", "new")] == store.said
    assert [A] == [each.known.source for stored in done for each in stored.finished]
    assert {"new": "digest"} == state.chunks("docs--1", A)
    assert set() == state.in_doubt("docs--1", [A])


def test_a_document_without_new_points_is_settled_without_asking_the_store(state):
    store = Notebook()
    with Writer(store, state, "docs--1", free, lambda _: None) as writer:
        writer.put(lambda: batch(done=[finished()]))

    assert [] == store.said
    assert [A] == list(state.known("docs--1", [A]))


def test_a_failure_leaves_the_document_in_doubt_and_is_raised_in_the_reader(state):
    store = Notebook()
    store.wrong = UnavailableError("away")

    def run():
        with Writer(store, state, "docs--1", free, lambda _: None) as writer:
            for _ in range(AHEAD + 5):  # the failure arrives while later ones are handed over
                writer.put(lambda: batch("new", done=[finished()]))

    with pytest.raises(UnavailableError):
        run()

    assert {A} == state.in_doubt("docs--1", [A])


def test_a_failure_in_the_very_last_batch_is_raised_at_the_end(state):
    store = Notebook()
    store.wrong = UnavailableError("away")
    writer = Writer(store, state, "docs--1", free, lambda _: None)
    writer.__enter__()
    writer.put(lambda: batch("new"))

    with pytest.raises(UnavailableError):
        writer.__exit__(None, None, None)


def test_nothing_is_written_without_the_lease(state):
    def lost():
        raise LeaseLostError("another worker has it")

    store = Notebook()
    with (
        pytest.raises(LeaseLostError),
        Writer(store, state, "docs--1", lost, lambda _: None) as writer,
    ):
        writer.put(lambda: batch("new", done=[finished()]))

    assert [] == store.said
    assert set() == state.in_doubt("docs--1", [A])


def test_what_was_handed_over_is_stored_though_the_reader_stops(state):
    store = Notebook()

    def run():
        with Writer(store, state, "docs--1", free, lambda _: None) as writer:
            writer.put(lambda: batch("new", done=[finished()]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()

    assert [("upsert", "new")] == store.said


def test_the_reader_waits_while_too_many_batches_are_ahead(state):
    gate, store = threading.Event(), Notebook()
    with Writer(store, state, "docs--1", gate.wait, lambda _: None) as writer:
        for number in range(AHEAD + 1):
            writer.put(lambda number=number: batch(str(number)))
        late = threading.Thread(target=writer.put, args=(lambda: batch("late"),))
        late.start()
        late.join(0.1)
        waits = late.is_alive()
        gate.set()
        late.join(5)

    assert waits
    assert {*map(str, range(AHEAD + 1)), "late"} == {ids[0] for _, *ids in store.said}


def test_nobody_waits_for_vectors_without_the_lease(state):
    lost, waited = threading.Event(), []

    def check():
        if lost.is_set():
            raise LeaseLostError("another worker has it")

    def run():
        with Writer(Notebook(), state, "docs--1", check, lambda _: None) as writer:
            lost.set()
            writer.put(lambda: waited.append("here"))

    with pytest.raises(LeaseLostError):
        run()

    assert [] == waited


def test_the_points_of_the_next_batch_follow_before_the_first_is_final(state):
    store = Doors("one", "two")
    with Writer(store, state, "docs--1", free, lambda _: None) as writer:
        for name in ("one", "two"):
            writer.put(lambda name=name: whole(name))
        both = store.asked["one"].wait(SECONDS) and store.asked["two"].wait(SECONDS)
        intended = state.in_doubt("docs--1", ["file://h/one", "file://h/two"])
        store.doors["two"].set()
        time.sleep(0.05)
        early = final(state, "one", "two")
        store.doors["one"].set()

    assert both
    assert {"file://h/one", "file://h/two"} == intended
    assert set() == early
    assert {"one", "two"} == final(state, "one", "two")


def test_what_follows_a_batch_that_was_not_stored_is_not_final(state):
    class Refusing(Doors):
        def upsert(self, collection, points):
            super().upsert(collection, points)
            if points[0].id == "one":
                raise UnavailableError("away")

    store = Refusing("one", "two")

    def run():
        with Writer(store, state, "docs--1", free, lambda _: None) as writer:
            for name in ("one", "two"):
                writer.put(lambda name=name: whole(name))
            store.asked["two"].wait(SECONDS)
            for name in ("two", "one"):
                store.doors[name].set()

    with pytest.raises(UnavailableError):
        run()

    assert set() == final(state, "one", "two")
    assert {"file://h/one", "file://h/two"} == state.in_doubt(
        "docs--1", ["file://h/one", "file://h/two"]
    )


def test_a_stored_batch_is_final_while_the_next_waits_for_its_vectors(state):
    vectors = threading.Event()

    def slow():
        assert vectors.wait(SECONDS)
        return whole("two")

    with Writer(Notebook(), state, "docs--1", free, lambda _: None) as writer:
        writer.put(lambda: whole("one"))
        writer.put(slow)
        early = in_the_end(lambda: final(state, "one", "two"), {"one"})
        vectors.set()

    assert {"one"} == early
    assert {"one", "two"} == final(state, "one", "two")


def test_a_stored_batch_is_final_though_the_next_gets_no_vectors(state):
    store = Doors("one")

    def none():
        store.doors["one"].set()
        raise UnavailableError("no model")

    def run():
        with Writer(store, state, "docs--1", free, lambda _: None) as writer:
            writer.put(lambda: whole("one"))
            writer.put(none)

    with pytest.raises(UnavailableError):
        run()

    assert {"one"} == final(state, "one")


def test_nothing_becomes_final_once_the_lease_is_lost(state):
    store, lost = Doors("one"), threading.Event()

    def check():
        if lost.is_set():
            store.doors["one"].set()
            raise LeaseLostError("another worker has it")

    def run():
        with Writer(store, state, "docs--1", check, lambda _: None) as writer:
            writer.put(lambda: whole("one"))
            store.asked["one"].wait(SECONDS)
            lost.set()
            writer.put(lambda: whole("two"))

    with pytest.raises(LeaseLostError):
        run()

    assert set() == final(state, "one")
    assert {"file://h/one"} == state.in_doubt("docs--1", ["file://h/one"])
