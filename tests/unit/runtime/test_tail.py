# SPDX-License-Identifier: Apache-2.0
import os
from itertools import islice
from pathlib import Path

import pytest

from beast_ops.clock import SYSTEM
from beast_ops.runtime import tail


def written(path, *lines):
    with path.open("ab") as file:
        file.write("".join(f"{line}\n" for line in lines).encode())


@pytest.fixture
def log(tmp_path):
    return tmp_path / "one.log"


def following(log, *acts, lines=10):
    """Follow *log*; each pause runs the next of *acts*, the pause after the last is Ctrl-C."""
    left = list(acts)

    def pause(_):
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    return list(tail.follow({"one": log}, lines, SYSTEM._replace(sleep=pause)))


def rotate(log):
    log.rename(f"{log}.1")


def test_the_last_lines_are_read(log):
    written(log, *range(100_000))

    assert ["99997", "99998", "99999"] == tail.last(log, 3)


@pytest.mark.parametrize("lines", [0, -1])
def test_no_lines_are_none(log, lines):
    written(log, "a")

    assert [] == tail.last(log, lines)


def test_a_log_that_is_not_there_is_empty(log):
    assert [] == tail.last(log, 5)


def test_a_log_just_rotated_is_continued_backwards(log):
    written(log, "a", "b", "c")
    rotate(log)
    written(log, "d")

    assert ["b", "c", "d"] == tail.last(log, 3)


def test_a_line_that_the_rotation_cut_is_read_whole(log):
    written(log, "a")
    log.write_bytes(log.read_bytes() + b"one li")
    rotate(log)
    log.write_bytes(b"ne\nd\n")

    assert ["a", "one line", "d"] == tail.last(log, 3)
    assert ["one line", "d"] == tail.last(log, 2)


def test_a_log_that_rotates_while_it_is_read_gives_no_line_twice(log):
    written(log, "a", "b")
    rotate(log)
    written(log, "c", "d")
    opened = tail._Log(log)
    Path(f"{log}.1").rename(f"{log}.2")
    rotate(log)

    assert ["a", "b", "c", "d"] == opened.last(9)
    opened.close()


def test_more_lines_than_there_are(log):
    written(log, "a", "b")

    assert ["a", "b"] == tail.last(log, 100)


def test_bytes_that_are_no_text_are_shown_as_such(log):
    log.write_bytes(b"\xff\xfe broken\r\n")

    assert ["\ufffd\ufffd broken"] == tail.last(log, 1)


def test_several_logs_are_labelled(tmp_path):
    logs = {name: tmp_path / f"{name}.log" for name in ("one", "three")}
    for name, path in logs.items():
        written(path, f"from {name}")

    assert ["one   | from one", "three | from three"] == list(tail.read(logs, 5))


def test_following_shows_what_is_written(log):
    written(log, "a", "b")

    shown = following(log, lambda: written(log, "c"), lambda: written(log, "d"), lines=1)

    assert ["b", "c", "d"] == shown


def test_following_waits_for_the_end_of_a_line(log):
    log.write_bytes(b"a\nhal")

    with log.open("ab", buffering=0) as file:
        shown = following(log, lambda: file.write(b"f"), lambda: file.write(b" done\nx"))

    assert ["a", "half done"] == shown


def test_following_begins_before_the_log_does(log):
    assert ["a"] == following(log, lambda: written(log, "a"))


def test_following_shows_only_what_is_new_if_told_so(log):
    written(log, "old")

    assert ["new"] == following(log, lambda: written(log, "new"), lines=0)


def test_following_loses_nothing_in_a_rotation(log):
    def act():
        written(log, "b")
        rotate(log)
        written(log, "c")

    written(log, "a")

    assert ["a", "b", "c", "d"] == following(log, act, lambda: written(log, "d"))


def test_following_goes_on_when_a_log_is_emptied(log):
    written(log, "a long line")

    assert ["a long line", "b"] == following(
        log, lambda: os.truncate(log, 0), lambda: written(log, "b")
    )


def test_following_goes_on_when_a_log_vanishes_for_a_while(log):
    written(log, "a")

    assert ["a", "b"] == following(log, log.unlink, lambda: None, lambda: written(log, "b"))


def test_a_caller_may_stop_listening(log):
    written(log, "a", "b")

    lines = tail.follow({"one": log}, 5)

    assert ["a"] == list(islice(lines, 1))
    lines.close()
