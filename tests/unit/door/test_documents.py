# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.door import documents
from beast_ops.errors import UsageError
from beast_ops.ingest import client as ingest_client
from beast_ops.ingest.client import IngestOptions
from beast_ops.jobs.model import Priority
from beast_ops.place import Place
from beast_ops.search import client as search_client
from beast_ops.search.model import SearchOptions

HIT = {"score": 0.5, "source": "file://here/a.md", "text": "the passage", "chunk": "1"}
ANSWER = {"query": "why", "collection": "docs", "hits": [HIT], "took_ms": 1.0}


def ingested(failed):
    counts = {"seen": 2, "ingested": 2 - failed, "unchanged": 0, "deleted": 0, "failed": failed}
    lines = [
        {"path": "/a", "ok": not failed, "chunks": 1, "error": "torn" * failed, "seconds": 0.1}
    ]
    return {
        "collection": "docs", "documents": counts, "chunks": 3, "seconds": 1.0, "results": lines,
    }  # fmt: skip


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_search_prints_passages_or_the_answer(place, monkeypatch, capsys):
    asked = []

    def search(*words):
        asked.append(words)
        return ANSWER

    monkeypatch.setattr(search_client, "search", search)

    documents.search(place, "why", SearchOptions(), json=False)
    assert "the passage" in capsys.readouterr().out

    documents.search(place, "why", SearchOptions(), json=True)
    assert json.loads(capsys.readouterr().out) == ANSWER
    assert asked == [(place, "why", SearchOptions(), ())] * 2


@pytest.mark.parametrize(("failed", "code"), [(0, 0), (1, 1)])
def test_ingest_ends_with_one_if_any_document_failed(place, monkeypatch, capsys, failed, code):
    def ingest(_place, paths, options, show):
        show({"phase": "note", "text": f"{paths} {options.collection}"})
        return ingested(failed)

    monkeypatch.setattr(ingest_client, "ingest", ingest)

    assert documents.ingest(place, ("a", "b"), IngestOptions("notes"), json=False) == code
    captured = capsys.readouterr()
    assert "2 documents seen" in captured.out
    assert captured.err == "('a', 'b') notes\n"

    assert documents.ingest(place, ("a",), IngestOptions(), json=True) == code
    assert json.loads(capsys.readouterr().out) == ingested(failed)


def test_a_priority_goes_by_its_name_and_what_is_watched_is_not_urgent():
    assert Priority.LOW is documents.urgency_of("low", watched=True)
    assert Priority.NORMAL is documents.urgency_of("", watched=True)
    assert documents.urgency_of("", watched=False) is None
    with pytest.raises(UsageError) as wrong:
        documents.urgency_of("urgent", watched=False)
    assert "Use: high, normal, low" == wrong.value.hint
