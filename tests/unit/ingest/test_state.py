# SPDX-License-Identifier: Apache-2.0
"""What is known of documents survives, and what is in doubt is known to be."""

import re

import pytest
from sqlalchemy import text

from beast_ops.clock import Clock
from beast_ops.errors import DatabaseError
from beast_ops.ingest import state_statements as say
from beast_ops.ingest.manifest import DocumentEntry
from beast_ops.ingest.state import DocumentState, Known

A, B, C = (f"file://h/docs/{name}" for name in ("a", "b", "sub/c"))
CHUNKS = {"id1": "digest1", "id2": "digest2"}


def known(source, **other):
    plain = {"size": 5, "mtime_ns": 7, "sha256": "x", "job": "j", "count": 2}
    return Known(source=source, **(plain | other))


@pytest.fixture
def state(tmp_path):
    with DocumentState(tmp_path / "state.sqlite") as opened:
        yield opened


def test_a_settled_document_is_known_with_its_chunks(state):
    state.settle("docs--1", [(known(A), CHUNKS)])

    assert {A: known(A)} == state.known("docs--1", [A, B])
    assert CHUNKS == state.chunks("docs--1", A)
    assert {} == state.chunks("docs--1", B)
    assert {} == state.known("other--1", [A])
    assert 1 == state.count("docs--1")


def test_a_document_about_to_be_written_is_in_doubt_until_it_is_settled(state):
    state.settle("docs--1", [(known(A), CHUNKS)])
    state.intend("docs--1", [A, B])

    assert {} == state.known("docs--1", [A, B])
    assert {A, B} == state.in_doubt("docs--1", [A, B, C])
    state.settle("docs--1", [(known(A, size=9), CHUNKS)])
    assert {B} == state.in_doubt("docs--1", [A, B, C])
    assert 9 == state.known("docs--1", [A])[A].size


def test_below_a_folder_is_what_lies_in_it_at_any_depth_in_doubt_or_not(state):
    near = "file://h/docs-old/z"
    state.settle("docs--1", [(known(source), CHUNKS) for source in (A, C, near)])
    state.intend("docs--1", [B])

    assert [A, B, C] == list(state.below("docs--1", "file://h/docs"))
    assert [A, B, C] == list(state.below("docs--1", "file://h/docs/"))
    assert [near] == list(state.below("docs--1", "file://h/docs-old"))
    assert 4 == len(list(state.below("docs--1", "file://h/")))


def test_what_is_forgotten_is_neither_known_nor_in_doubt(state):
    state.settle("docs--1", [(known(A), CHUNKS), (known(C), {})])
    state.intend("docs--1", [A])
    state.forget("docs--1", [A])

    assert [C] == list(state.below("docs--1", "file://h/docs"))
    state.clear("docs--1")
    assert [] == list(state.below("docs--1", "file://h/docs"))


def test_touching_changes_when_and_nothing_else(state):
    state.settle("docs--1", [(known(A), CHUNKS)])
    state.touch("docs--1", DocumentEntry(source=A, size=5, mtime_ns=8))

    assert {A: known(A, mtime_ns=8)} == state.known("docs--1", [A])


def test_nothing_to_note_is_nothing_to_do(state):
    state.settle("docs--1", [(known(A), CHUNKS)])
    state.intend("docs--1", [])
    state.settle("docs--1", [])
    state.forget("docs--1", [])

    assert {A: known(A)} == state.known("docs--1", [A])
    assert {} == state.known("docs--1", [])


def test_of_very_many_documents_each_is_known_in_the_order_asked_for(state, monkeypatch):
    monkeypatch.setattr("beast_ops.ingest.state.ASK_AT_ONCE", 2)
    state.settle("docs--1", [(known(source), CHUNKS) for source in (A, B, C)])

    assert [C, A, B] == list(state.known("docs--1", iter([C, "none", A, B, "nor this"])))


def test_documents_cut_otherwise_are_not_the_same_though_their_files_are(state):
    entry = DocumentEntry(source=A, size=5, mtime_ns=7)
    state.use("1200/200")
    state.settle("docs--1", [(known(A), CHUNKS)])
    assert state.known("docs--1", [A])[A].same_file(entry)

    state.use("600/100")

    assert not state.known("docs--1", [A])[A].same_file(entry)
    assert not known(A).same_file(DocumentEntry(source=A, size=5, mtime_ns=8))


def test_it_is_read_while_it_is_written_and_not_written_by_readers(state, tmp_path):
    state.settle("docs--1", [(known(A), CHUNKS)])
    with DocumentState(tmp_path / "state.sqlite", read_only=True) as reader:
        assert [A] == list(reader.known("docs--1", [A]))
        with pytest.raises(DatabaseError, match="readonly"):
            reader.clear("docs--1")


def test_after_a_power_cut_what_was_settled_last_is_in_doubt(tmp_path):
    moments = iter([10.0, 100.0, 130.0, 140.0])
    clock = Clock(monotonic=lambda: next(moments))
    gone = "file://h/docs/gone"
    with DocumentState(tmp_path / "state.sqlite", boot="first", clock=clock) as state:
        for source in (A, B, C):
            state.settle("docs--1", [(known(source), CHUNKS)])
        state.forget("docs--1", [gone])
        state.doubt_after_boot()
        same = set(state.known("docs--1", [A, B, C]))
    with DocumentState(tmp_path / "state.sqlite", boot="second") as state:
        state.doubt_after_boot()

        assert {A, B, C} == same
        assert [A] == list(state.known("docs--1", [A, B, C]))
        assert {B, C, gone} == state.in_doubt("docs--1", [A, B, C, gone])
        assert gone in state.below("docs--1", "file://h/docs")

        state.settle("docs--1", [(known(B), CHUNKS)])
        state.doubt_after_boot()
        assert [A, B] == list(state.known("docs--1", [A, B, C]))


def test_where_nothing_names_a_boot_nothing_comes_into_doubt(tmp_path, monkeypatch):
    monkeypatch.setattr("beast_ops.ingest.state._BOOT", tmp_path / "none")
    for _ in range(2):
        with DocumentState(tmp_path / "state.sqlite") as state:
            state.doubt_after_boot()
            state.settle("docs--1", [(known(A), CHUNKS)])

            assert [A] == list(state.known("docs--1", [A]))


def test_a_document_of_the_same_content_is_looked_up_and_not_searched_for(state):
    statement = say.TWINS.text
    values = dict.fromkeys(re.findall(r":(\w+)", statement), 1)

    with state._database.reading() as table:
        steps = table.execute(text(f"EXPLAIN QUERY PLAN {statement}"), values).all()

    by_hash = "COVERING INDEX documents_by_content (collection=? AND sha256=?)"
    assert steps[0][3] == "SEARCH documents USING PRIMARY KEY (collection=? AND source=?)"
    assert any(by_hash in step[3] for step in steps)
