# SPDX-License-Identifier: Apache-2.0
import io
import re

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


STAGES = [
    {"stage": "find", "unit": "documents", "done": 4000, "of": 9000, "rate": 120.0, "eta": 42},
    {"stage": "parse", "unit": "documents", "done": 9, "of": 9, "rate": 3.5, "eta": 0},
    {"stage": "embed", "unit": "passages", "done": 0, "of": None, "rate": 0.0, "eta": None},
    {"stage": "upsert", "unit": "passages", "done": 1, "of": 5000, "rate": 0.5, "eta": 9998},
]


def screen(text):
    """Return what stands on a terminal after *text*: a line each, and where the cursor is."""
    lines, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\??\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
        if part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif part == "\r":
            column = 0
        elif part.startswith("\x1b"):
            number = int("".join(filter(str.isdigit, part)) or 1)
            row -= number if part.endswith("A") else 0
            lines[row] = "" if part.endswith("2K") else lines[row]
        else:
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    return [line.rstrip() for line in lines]


def test_a_terminal_has_a_block_that_moves_and_is_gone_afterwards(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    stream, time = Terminal(), Time()

    with Progress(stream, time.clock) as show:
        show({**RUNNING, "stages": STAGES})
        show({"phase": "finding"})  # too soon
        assert [
            sentence(RUNNING),
            "  find    4,000  of 9,000 documents  120/s     0:42 to go",
            "  parse       9      of 9 documents  3.5/s           done",
            "  embed       0       of ? passages  0.0/s",
            "  upsert      1   of 5,000 passages  0.5/s  2:46:38 to go",
        ] == screen(stream.getvalue())[:5]
        time.now += 1
        show({"phase": "uploading", "done": 1, "of": 2})
        assert ["sending 1 of 2", ""] == screen(stream.getvalue())[:2]

    assert {""} == set(screen(stream.getvalue()))


def test_a_narrow_terminal_has_shares_and_no_line_too_long(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    stream, time = Terminal(), Time()

    with Progress(stream, time.clock) as show:
        show({**RUNNING, "stages": STAGES})
        lines = screen(stream.getvalue())

    assert "find     44%  120/s     0:42 to go" == lines[1]
    assert max(map(len, lines)) <= 40


def test_elsewhere_there_is_a_line_a_minute():
    stream, time = io.StringIO(), Time()

    with Progress(stream, time.clock) as show:
        show(RUNNING)
        time.now += 59
        show(RUNNING)
        time.now += 1
        show({**RUNNING, "stages": STAGES})

    stages = "find 4000/9000, parse 9/9, embed 0/?, upsert 1/5000"
    assert f"{sentence(RUNNING)}; {stages}\n" == stream.getvalue()


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
