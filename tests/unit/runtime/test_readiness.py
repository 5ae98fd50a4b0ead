# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from beast_ops.clock import SYSTEM
from beast_ops.errors import ServiceError, UnavailableError
from beast_ops.place import Place
from beast_ops.runtime import readiness
from beast_ops.runtime.rpc import Info


class Scripted:
    """A supervisord that answers with one list of programs after the other, then the last."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def processes(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def presence(self):
        return None


def info(state="RUNNING", started=0, complaint="", pid=None):
    return Info("one", state, os.getpid() if pid is None else pid, started, 9, complaint)


@pytest.fixture
def place(tmp_path):
    for name in ("logs", "run"):
        (tmp_path / name).mkdir()
    return Place(tmp_path)


@pytest.fixture
def clock():
    """A clock that is seven seconds further whenever it is asked."""
    hours = iter(range(0, 10_000, 7))
    return SYSTEM._replace(monotonic=lambda: next(hours), sleep=lambda _: None)


def waited(place, clock, *answers):
    readiness.await_up(place, Scripted(*answers), {"one"}, clock)


def test_up_is_running(place, clock):
    waited(place, clock, [info("STARTING")], [info("STARTING")], [info()])


def test_one_that_supervisord_has_not_yet_missed_is_not_up(place, clock):
    with pytest.raises(UnavailableError):
        waited(place, clock, [info(pid=2**22 + 1)])


def test_others_are_not_waited_for(place, clock):
    readiness.await_up(place, Scripted([info("FATAL")]), {"two"}, clock)


def test_a_few_tries_are_granted(place, clock):
    tries = [[info("BACKOFF", number)] for number in range(readiness.TRIES - 1)]

    waited(place, clock, *tries, [info()])


def test_after_those_it_does_not_stay_up(place, clock):
    (place.logs / "one.log").write_text("first\n\n  second \nthird\nlast\n")
    tries = [[info("BACKOFF", number)] for number in range(readiness.TRIES)]

    with pytest.raises(ServiceError) as caught:
        waited(place, clock, *tries)

    assert "it does not stay up: second / third / last" == str(caught.value)


@pytest.mark.parametrize(
    ("complaint", "expected"),
    [
        ("", "fatal"),
        ("cannot execute", "cannot execute"),
        ("Exited too quickly (process log may have details)", "Exited too quickly"),
    ],
)
def test_without_a_log_supervisords_word_counts(place, clock, complaint, expected):
    with pytest.raises(ServiceError, match=expected):
        waited(place, clock, [info("FATAL", complaint=complaint)])


def test_one_that_is_late_is_told_with_its_last_words(place, clock):
    (place.logs / "one.log").write_text("loading\n")

    with pytest.raises(UnavailableError, match="loading") as caught:
        waited(place, clock, [info("STARTING")])

    assert "one" == caught.value.subject


def test_no_secret_is_told(place, clock):
    folder = place.secrets / "one"
    folder.mkdir(parents=True)
    (folder / "key").write_text("long-enough\n")
    (folder / "short").write_text("abc")
    (folder / "large").write_bytes(b"x" * 5000)
    (folder / "binary").write_bytes(b"\xff" * 20)
    (folder / "folder").mkdir()
    (place.logs / "one.log").write_text("abc has long-enough\n")

    with pytest.raises(ServiceError, match=r"abc has \[secret\]$"):
        waited(place, clock, [info("FATAL")])


def test_one_that_does_not_stop_is_told(clock):
    with pytest.raises(UnavailableError, match="does not stop") as caught:
        readiness.await_stopped(Scripted([info("STOPPING")]), {"one"}, 30, clock)

    assert "one" == caught.value.subject


def test_stopped_is_stopped(clock):
    readiness.await_stopped(Scripted([info("STOPPING")], [info("STOPPED")]), {"one"}, 30, clock)


@pytest.mark.parametrize("file", ["run/supervisord.err", "logs/supervisord.log"])
def test_a_supervisord_that_does_not_answer_is_told(place, clock, file):
    (place.root / file).write_text("no room\n")

    with pytest.raises(UnavailableError, match="no room"):
        readiness.await_started(place, Scripted(), clock)


def test_a_supervisord_that_ended_is_told_at_once(place):
    (place.run / "supervisord.json").write_text('{"pid": 1, "started": "long ago", "starts": 1}')

    with pytest.raises(ServiceError, match="does not come up"):
        readiness.await_started(place, Scripted())
