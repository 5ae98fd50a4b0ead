# SPDX-License-Identifier: Apache-2.0
"""What machines read: exact keys, types and exit codes of every `--json`."""

from datetime import datetime
from numbers import Real

import pytest

from tests.e2e.knowledge import ingest, told, wait_for

COLLECTION = "contracts"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "papers"
    made.mkdir()
    (made / "good.md").write_text("# Otters\n\nOtters hold hands while they sleep.\n")
    return made


def types(value):
    """Return the types of the values of an object, numbers as one."""
    number = "number"
    return {
        name: number if isinstance(each, Real) and not isinstance(each, bool) else type(each)
        for name, each in value.items()
    }


def test_health_tells_status_time_and_checks(stack):
    done = stack.run("health", "--json")

    report = done.json
    assert {"status", "timestamp", "checks"} == set(report)
    codes = {"healthy": 0, "degraded": 1, "unhealthy": 2, "unknown": 3}
    assert codes[report["status"]] == done.code
    assert datetime.fromisoformat(report["timestamp"]).tzinfo is not None
    shape = {"name": str, "status": str, "message": str, "details": dict, "duration_ms": "number"}
    assert report["checks"]
    assert all(shape == types(check) for check in report["checks"])
    assert {check["status"] for check in report["checks"]} <= set(codes)
    assert {"qdrant", "beast-api", "beast-worker"} <= {check["name"] for check in report["checks"]}


def test_health_of_a_stopped_service_is_unhealthy_and_ends_with_two(stack):
    stack.must("stop", "qdrant")
    try:
        done = stack.run("health", "--json")
    finally:
        stack.must("start", "qdrant")

    assert 2 == done.code
    assert "unhealthy" == done.json["status"]
    store = next(check for check in done.json["checks"] if check["name"] == "qdrant")
    assert "unhealthy" == store["status"]
    assert store["message"]
    wait_for(lambda: stack.run("health").code == 0, 60)


def test_ingest_tells_counts_chunks_and_a_line_per_document(stack, folder):
    found = told(ingest(stack, folder, collection=COLLECTION))

    top = {
        "collection": str, "documents": dict, "chunks": "number", "seconds": "number",
        "results": list,
    }  # fmt: skip
    assert top == types(found)
    counts = ["seen", "ingested", "unchanged", "deleted", "failed"]
    assert counts == list(found["documents"])
    assert all(type(count) is int for count in found["documents"].values())
    assert COLLECTION == found["collection"]
    (line,) = found["results"]
    assert ["path", "ok", "chunks", "error", "seconds"] == list(line)
    assert (str(folder / "good.md"), True, 1, None) == tuple(line.values())[:4]
    assert isinstance(line["seconds"], Real)


def test_ingest_ends_with_one_if_a_document_failed_and_ingests_the_others(stack, folder):
    (folder / "bad.pdf").write_bytes(b"%PDF-1.7 and nothing else")

    done = ingest(stack, folder, collection=f"{COLLECTION}-bad")

    found = told(done, failed=1)
    assert 1 == found["documents"]["ingested"]
    bad = next(line for line in found["results"] if not line["ok"])
    assert (str(folder / "bad.pdf"), 0) == (bad["path"], bad["chunks"])
    assert isinstance(bad["error"], str)


def test_ingest_of_what_is_not_there_fails_and_says_so(stack, tmp_path):
    done = ingest(stack, tmp_path / "nothing", collection=COLLECTION)

    assert 1 == done.code
    (line,) = done.json["results"]
    assert "no such file" in line["error"]
    assert 1 == done.json["documents"]["failed"]


def test_search_tells_query_collection_hits_and_time(stack, folder):
    told(ingest(stack, folder, collection=COLLECTION))

    done = stack.must("search", "sleeping otters", "--collection", COLLECTION, "--json")

    answer = done.json
    assert {"query", "collection", "hits", "took_ms"} <= set(answer)
    assert ("sleeping otters", COLLECTION) == (answer["query"], answer["collection"])
    assert isinstance(answer["took_ms"], Real)
    hit = answer["hits"][0]
    shape = {"score": "number", "source": str, "text": str, "chunk": str}
    assert shape.items() <= types(hit).items()
    assert hit["source"].startswith("file://")
    assert hit["source"].endswith("/good.md")
    assert "Otters hold hands" in hit["text"]


def test_search_that_finds_nothing_is_no_failure(stack, folder):
    told(ingest(stack, folder, collection=COLLECTION))

    done = stack.must("search", "xylophonequartz", "--collection", COLLECTION, "--json")

    assert [] == done.json["hits"]


def test_with_json_nothing_else_is_on_standard_output(stack, folder):
    for words in (
        ["ingest", str(folder), "--collection", COLLECTION],
        ["search", "otters", "--collection", COLLECTION],
        ["health"],
    ):
        done = stack.run(*words, "--json")

        assert isinstance(done.json, dict)
        assert done.out.endswith("}\n")
