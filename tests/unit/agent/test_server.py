# SPDX-License-Identifier: Apache-2.0
"""A real agent on a real socket; only what it does is made up."""

import json
import os
import socket
import threading
import time

import pytest

from beast_ops.agent import server
from beast_ops.agent.client import ask
from beast_ops.agent.protocol import REQUEST_BYTES, Request, named, socket_of
from beast_ops.agent.server import AT_ONCE, Agent, Peer, allowed, api_user
from beast_ops.errors import BusyError, CommandError, MissingError, UnavailableError, UsageError

PING = Request(verb="status")


class Doing:
    """Does what a test wants done."""

    def __init__(self):
        self.requests = []
        self.act = lambda: "done"

    def __call__(self, _, request):
        self.requests.append(request)
        return self.act()


@pytest.fixture
def doing():
    return Doing()


@pytest.fixture
def path(place, doing):
    agent = Agent(place, doing)
    agent.listen()
    serving = threading.Thread(target=agent.serve, daemon=True)
    serving.start()
    yield socket_of(place.root)
    agent.close()
    serving.join(5)
    assert not serving.is_alive()


def audit(place):
    return [json.loads(line) for line in (place.logs / "agent.log").read_text().splitlines()]


def say(path, raw):
    with named(path) as name, socket.socket(socket.AF_UNIX) as opened:
        opened.settimeout(10)
        opened.connect(name)
        opened.sendall(raw)
        with opened.makefile("rb") as answers:
            return json.loads(answers.readline())


def test_a_request_is_done_and_answered(path, doing):
    doing.act = lambda: {"a": ["b", 1]}
    request = Request(verb="logs", service="store", lines=3)

    assert {"a": ["b", 1]} == ask(path, request)
    assert [request] == doing.requests


@pytest.mark.parametrize(
    "failure",
    [
        BusyError("somebody else is at it", hint="Wait."),
        CommandError("ended with 1", subject="docker"),
        MissingError("there is no such service", subject="x", hint="Known: y"),
        UsageError("no"),
        UnavailableError("Docker does not answer"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_what_goes_wrong_comes_back_as_it_was(path, doing, failure):
    def fail():
        raise failure

    doing.act = fail
    with pytest.raises(type(failure)) as told:
        ask(path, PING)

    assert str(failure) in str(told.value)
    assert failure.subject in str(told.value)
    assert failure.hint == told.value.hint


def test_a_mistake_of_ours_is_told_without_its_words(path, doing):
    def stumble():
        raise ZeroDivisionError("with a s3cret")

    doing.act = stumble
    with pytest.raises(CommandError, match="made a mistake") as told:
        ask(path, PING)

    assert "s3cret" not in str(told.value)


def test_what_was_done_is_written_down_with_who_wanted_it(path, place):
    ask(path, Request(verb="restart", service="store"))
    say(path, b"nonsense\n")
    done, refused = audit(place)

    assert ("restart", "store", "done") == (done["verb"], done["service"], done["outcome"])
    assert (os.getuid(), os.getpid()) == (done["uid"], done["pid"])
    assert refused["outcome"].startswith("failed: this is no request")
    assert 0o600 == (place.logs / "agent.log").stat().st_mode & 0o777


def test_what_is_asked_all_the_time_is_not_written_down(path, place):
    ask(path, Request(verb="ping"))

    assert [] == audit(place)


def test_strangers_are_refused_and_nothing_is_done(path, doing, place, monkeypatch):
    monkeypatch.setattr(server, "peer", lambda _: Peer(1, 4711))
    with pytest.raises(UsageError, match="only root and the API"):
        ask(path, Request(verb="restart", service="store"))

    assert [] == doing.requests
    assert [(4711, "refused")] == [(each["uid"], each["outcome"]) for each in audit(place)]


def test_root_we_and_the_api_may_ask(place):
    assert 1000 == api_user(place)
    assert {0, os.getuid(), 1000} == allowed(place)


def test_without_services_nobody_but_root_and_we_may_ask(place):
    place.services.unlink()

    assert {0, os.getuid()} == allowed(place)


def test_the_kernel_says_who_asks():
    here, there = socket.socketpair()
    with here, there:
        assert Peer(os.getpid(), os.getuid()) == server.peer(here)


def test_only_its_owner_may_use_the_socket_which_containers_see(path):
    found = path.stat()

    assert 0o600 == found.st_mode & 0o777
    assert 0o755 == path.parent.stat().st_mode & 0o777
    assert found.st_uid in {os.getuid(), 1000}


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
def test_the_socket_belongs_to_the_api(path):
    assert 1000 == path.stat().st_uid


def test_a_request_that_is_too_long_is_refused(path, doing):
    answer = say(path, b'{"verb": "' + b"x" * REQUEST_BYTES * 2 + b'"}\n')

    assert "usage" == answer["fault"]["kind"]
    assert [] == doing.requests


def test_who_says_nothing_is_let_go(path, monkeypatch, doing):
    monkeypatch.setattr(server, "PATIENCE_SECONDS", 0.1)
    answer = say(path, b'{"verb"')

    assert "no request came in time" == answer["fault"]["message"]
    assert [] == doing.requests


def test_who_leaves_early_disturbs_nobody(path):
    with named(path) as name, socket.socket(socket.AF_UNIX) as opened:
        opened.connect(name)
        opened.sendall(PING.model_dump_json().encode() + b"\n")

    assert "done" == ask(path, PING)


def test_what_is_being_answered_at_the_end_is_written_down(place, doing):
    agent, begun, go = Agent(place, doing), threading.Event(), threading.Event()
    doing.act = lambda: begun.set() or go.wait(20)
    agent.listen()
    threads = [
        threading.Thread(target=agent.serve, daemon=True),
        threading.Thread(target=ask, args=(socket_of(place.root), PING, 20)),
    ]
    for each in threads:
        each.start()
    assert begun.wait(10)
    threading.Timer(0.2, go.set).start()

    agent.close()

    assert ["done"] == [line["outcome"] for line in audit(place)]
    for each in threads:
        each.join(10)


def test_too_many_at_once_are_told_so(path, doing):
    go = threading.Event()
    doing.act = lambda: go.wait(20)
    waiting = [threading.Thread(target=ask, args=(path, PING, 20)) for _ in range(AT_ONCE)]
    for each in waiting:
        each.start()
    deadline = time.monotonic() + 10
    while len(doing.requests) < AT_ONCE and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        with pytest.raises(BusyError):
            ask(path, PING)
    finally:
        go.set()
        for each in waiting:
            each.join(10)

    assert "done" == (setattr(doing, "act", lambda: "done") or ask(path, PING))


def test_an_agent_takes_over_the_socket_another_left(path, place, doing):
    second = Agent(place, doing)
    second.listen()
    threading.Thread(target=second.serve, daemon=True).start()

    assert "done" == ask(path, PING)
    second.close()


def test_without_an_agent_one_is_told_what_to_do(tmp_path):
    with pytest.raises(UnavailableError) as told:
        ask(socket_of(tmp_path), PING)

    assert "beast_agent" in told.value.hint


def test_an_agent_that_takes_too_long_is_not_waited_for(path, doing, place):
    go = threading.Event()
    doing.act = lambda: go.wait(20)
    with pytest.raises(UnavailableError, match=r"within 0\.2 s"):
        ask(path, PING, 0.2)
    go.set()
    deadline = time.monotonic() + 10
    while not audit(place) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert ["done"] == [each["outcome"] for each in audit(place)]
