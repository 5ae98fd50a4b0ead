# SPDX-License-Identifier: Apache-2.0
import io

import pytest

from beast_ops.clock import Clock
from beast_ops.ingest.show import FAILURES_SHOWN, Progress, sentence, summary


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Time:
    def __init__(self):
        self.now = 100.0
        self.clock = Clock(monotonic=lambda: self.now)


RUNNING = {"phase": "running", "done": 3, "seen": 9, "failed": 1, "rate": 2.5, "eta": 70}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"phase": "finding"}, "looking for documents"),
        ({"phase": "uploading", "done": 1, "of": 2}, "sending 1 of 2"),
        ({"phase": "running"}, "waiting for the worker"),
        (RUNNING, "reading 3 of 9, 1 failed, 2.5 per second, 1 min 10 s to go"),
        ({"phase": "running", "done": 0, "seen": 9, "rate": 0, "eta": None}, "reading 0 of 9"),
    ],
)
def test_events_are_told_in_words(event, words):
    assert words == sentence(event)


def test_a_terminal_has_one_line_that_moves_and_is_gone_afterwards():
    stream, time = Terminal(), Time()

    with Progress(stream, time.clock) as show:
        show(RUNNING)
        show({"phase": "finding"})  # too soon
        time.now += 1
        show({"phase": "uploading", "done": 1, "of": 2})

    lines = stream.getvalue().split("\r")
    assert ["", sentence(RUNNING), "sending 1 of 2"] == [line.rstrip() for line in lines[:3]]
    assert len(lines[2]) == len(sentence(RUNNING))
    assert lines[-2:] == [" " * len("sending 1 of 2"), ""]


def test_elsewhere_there_is_a_line_now_and_then():
    stream, time = io.StringIO(), Time()

    with Progress(stream, time.clock) as show:
        show(RUNNING)
        time.now += 10
        show(RUNNING)

    assert f"{sentence(RUNNING)}\n" == stream.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_note_is_shown_at_once_on_its_own_line(stream):
    with Progress(stream, Time().clock) as show:
        show({"phase": "finding"})
        show({"phase": "note", "text": "It goes on."})

    assert stream.getvalue().endswith("It goes on.\n")


def line(path, error=None):
    return {"path": path, "ok": error is None, "chunks": 1, "error": error, "seconds": 0.1}


def answer(*lines, **counts):
    zero = dict.fromkeys(("seen", "ingested", "unchanged", "deleted", "failed"), 0)
    return {
        "collection": "docs",
        "documents": zero | counts,
        "chunks": 1,
        "seconds": 75.4,
        "results": list(lines),
    }


def test_the_summary_names_what_failed_and_counts_the_rest():
    found = summary(answer(line("/a"), line("/b\n\x1b[2J", "empty"), seen=2, ingested=1, failed=1))

    assert (
        "failed: /b\\n\\x1b[2J: empty\n"
        "2 documents seen: 1 ingested, 1 failed; 1 chunk in docs, 1 min 15 s."
    ) == found


def test_the_summary_says_what_else_is_to_be_known():
    noted = {**line("/a.pdf\x1b"), "note": "page 2 is scanned"}

    assert summary(answer(noted, seen=1)).startswith("note: /a.pdf\\x1b: page 2 is scanned\n1 doc")


def test_nothing_is_summed_up_too():
    assert "0 documents seen; 1 chunk in docs, 1 min 15 s." == summary(answer())
    assert summary(answer(seen=1, unchanged=1)).startswith("1 document seen: 1 unchanged;")


def test_of_many_failures_only_the_first_are_shown():
    failed = [line(f"/{number}", "empty") for number in range(FAILURES_SHOWN + 5)]

    found = summary(answer(*failed, seen=len(failed), failed=len(failed))).splitlines()

    assert FAILURES_SHOWN + 2 == len(found)
    assert "and 5 more; all are in: ./beast ingest --json" == found[-2]
