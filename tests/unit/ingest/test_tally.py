# SPDX-License-Identifier: Apache-2.0
"""Counting, and the contract of `ingest --json`."""

from beast_ops.clock import Clock
from beast_ops.ingest.stages import STAGES
from beast_ops.ingest.tally import Line, Tally

A, B = "file://h/a%0A.md", "file://h/b%FF.md"


class Ticking:
    def __init__(self):
        self.at = 0.0

    def clock(self):
        return Clock(monotonic=lambda: self.at)


def test_the_result_is_the_contract():
    ticking = Ticking()
    tally = Tally("docs", 4, ticking.clock())
    tally.ingested(Line(A, 3, seconds=0.12345, note="page 2"))
    tally.unchanged(Line("file://h/c", 2))
    tally.failed(Line(B, 0, "empty"))
    tally.deleted(1)
    ticking.at = 1.5

    assert {
        "collection": "docs",
        "documents": {"seen": 4, "ingested": 1, "unchanged": 1, "deleted": 1, "failed": 1},
        "chunks": 5,
        "seconds": 1.5,
        "results": [
            {
                "path": "/a\n.md",
                "ok": True,
                "chunks": 3,
                "error": None,
                "seconds": 0.123,
                "note": "page 2",
            },
            {"path": "/c", "ok": True, "chunks": 2, "error": None, "seconds": 0.0},
            {"path": "/b\ufffd.md", "ok": False, "chunks": 0, "error": "empty", "seconds": 0.0},
        ],
    } == tally.result()


def test_progress_tells_rate_and_time_to_go_and_not_too_often():
    ticking = Ticking()
    tally = Tally("docs", 10, ticking.clock())
    assert tally.due
    assert not tally.due
    assert {"done": 0, "seen": 10, "failed": 0, "rate": 0.0, "eta": None} == without_stages(tally)
    for _ in range(4):
        tally.ingested(Line(A, 1))
    ticking.at = 2.0

    assert tally.due
    assert {"done": 4, "seen": 10, "failed": 0, "rate": 2.0, "eta": 3} == without_stages(tally)


def without_stages(tally):
    progress = tally.progress()
    assert list(STAGES) == [each["stage"] for each in progress.pop("stages")]
    return progress
