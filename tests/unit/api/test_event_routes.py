# SPDX-License-Identifier: Apache-2.0
"""Events over HTTP: pages, and a stream that is resumed, bounded and kept alive."""

import json
import threading
import time

import pytest

from beast_ops.api import streams
from beast_ops.events.model import Event
from beast_ops.events.outbox import Outbox, events_file

WAIT_SECONDS = 20


@pytest.fixture
def tell(stack):
    """Return what writes an event as another process would, and returns its number."""

    def telling(name="job.done", **data):
        with Outbox(events_file(stack.around.data)) as outbox:
            outbox.add([Event(name, time.time(), "other", data)])
            return outbox.page("", 1, 0)[1][0].number

    return telling


class Listener:
    """Somebody who listens, in a thread of their own, until they have heard enough."""

    def __init__(self, stack, path, enough, **headers):
        self.events, self.comments, self.status = [], 0, 0
        self.opened = threading.Event()
        self._enough = enough
        self._thread = threading.Thread(target=self._listen, args=(stack, path, headers))
        self._thread.start()
        assert self.opened.wait(WAIT_SECONDS)

    def _listen(self, stack, path, headers):
        event = {}
        with stack.client(**headers) as client, client.stream("GET", path) as answer:
            self.status, self.headers = answer.status_code, answer.headers
            for line in answer.iter_lines():
                self.opened.set()
                if line.startswith(":"):
                    self.comments += 1
                elif line:
                    name, _, value = line.partition(": ")
                    event[name] = value
                elif "data" in event:
                    self.events.append(event)
                    event = {}
                if self._enough(self):
                    break
        self.opened.set()

    def heard(self):
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()
        return self.events


def some(count):
    return lambda listener: len(listener.events) >= count


def wait_for(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def listeners(stack):
    with stack.client(token="the-metrics-token") as client:
        for line in client.get("/metrics").text.splitlines():
            if line.startswith("ai_beast_event_streams "):
                return float(line.split()[1])
    return None


def test_what_happened_is_listed_newest_first(client, tell):
    tell("model.deleted", model="a")
    last = tell("model.downloaded", model="b")
    told = client.get("/events?names=model.&limit=2").json()

    assert ["model.downloaded", "model.deleted"] == [each["name"] for each in told["events"]]
    assert (last, "other", {"model": "b"}) == tuple(
        told["events"][0][name] for name in ("number", "source", "data")
    )
    assert told["total"] >= 2


def test_a_search_is_told_without_its_words(client):
    client.post("/search", json={"query": "a very private question"})
    wait_for(lambda: client.get("/events?names=rag.").json()["events"])
    found = client.get("/events?names=rag.").json()["events"][0]

    assert ("rag.queried", "beast-api") == (found["name"], found["source"])
    assert "private" not in json.dumps(found)


def test_a_stream_tells_what_happens_from_now_on(stack, tell):
    tell("job.failed")
    time.sleep(4 * streams.LOOK_SECONDS)  # it is old news by then
    listener = Listener(stack, "/events/stream", some(2))
    first, second = tell("job.done", job="x"), tell("model.deleted")
    heard = listener.heard()

    assert ["job.done", "model.deleted"] == [each["event"] for each in heard]
    assert [first, second] == [int(each["id"]) for each in heard]
    assert {"job": "x"} == json.loads(heard[0]["data"])["data"]
    assert "text/event-stream" in listener.headers["content-type"]


@pytest.mark.parametrize("way", ["header", "parameter"])
def test_who_comes_back_misses_nothing(stack, tell, way):
    seen = tell()
    missed = [tell(n=number) for number in range(3)]
    headers = {"last-event-id": str(seen)} if way == "header" else {}
    path = "/events/stream" + ("" if way == "header" else f"?after={seen}")

    heard = Listener(stack, path, some(3), **headers).heard()

    assert missed == [int(each["id"]) for each in heard]


def test_only_the_names_one_wants_are_told(stack, tell):
    listener = Listener(stack, "/events/stream?names=model.", some(1))
    tell("job.done")
    tell("model.deleted")

    assert ["model.deleted"] == [each["event"] for each in listener.heard()]


def test_a_silent_stream_is_kept_alive(stack, monkeypatch):
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.1)
    listener = Listener(stack, "/events/stream", lambda listener: listener.comments >= 2)
    listener.heard()

    assert listener.comments >= 2


def test_too_many_are_sent_away_politely_and_leave_room_when_they_go(stack, client, monkeypatch):
    wait_for(lambda: listeners(stack) == 0)
    stop = threading.Event()
    monkeypatch.setattr(streams, "ALIVE_SECONDS", 0.1)
    crowd = [
        Listener(stack, "/events/stream", lambda _: stop.is_set()) for _ in range(streams.MOST)
    ]
    try:
        assert {200} == {each.status for each in crowd}
        refused = client.get("/events/stream")
        assert 503 == refused.status_code
        assert "retry-after" in refused.headers
        assert "listen already" in refused.json()["error"]["message"]
        assert 200 == client.get("/events").status_code
    finally:
        stop.set()
        for each in crowd:
            each.heard()
    wait_for(lambda: listeners(stack) == 0)
    assert 200 == Listener(stack, "/events/stream", lambda _: True).status


@pytest.mark.parametrize(
    "path",
    [
        "/events?limit=0",
        "/events?names=%25",
        "/events?names=A",
        "/events/stream?after=-1",
        "/events/stream?after=x",
    ],
)
def test_what_makes_no_sense_is_refused(client, path):
    assert 422 == client.get(path).status_code


def test_a_last_id_that_is_none_is_refused(stack):
    with stack.client(**{"last-event-id": "x"}) as client:
        assert 422 == client.get("/events/stream").status_code


@pytest.mark.parametrize("path", ["/events", "/events/stream"])
def test_without_the_token_nothing_is_told(anyone, path):
    assert 401 == anyone.get(path).status_code


def test_who_listens_is_let_go_when_the_api_ends(stack, monkeypatch):
    ending = threading.Event()
    monkeypatch.setattr(streams, "ENDING", ending)
    listener = Listener(stack, "/events/stream", lambda _: False)
    begun = time.monotonic()
    ending.set()
    listener.heard()

    assert time.monotonic() - begun < 5
