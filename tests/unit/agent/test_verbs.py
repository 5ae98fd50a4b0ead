# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime

import pytest

from beast_ops import receipts
from beast_ops.agent import verbs
from beast_ops.agent.protocol import ANSWER_BYTES, LINES, Answer, Request, read_request
from beast_ops.errors import BusyError, MissingError, UsageError
from beast_ops.gpu import host
from beast_ops.gpu.model import Device, Reading
from beast_ops.keeper import state
from beast_ops.lease import lease
from beast_ops.runtime.control import ProcessState


class Runtime:
    """Stands where Docker or supervisord would."""

    def __init__(self):
        self.restarted, self.lines = [], ["one", "two"]

    def status(self, _):
        return [ProcessState("store", "running", uptime_seconds=3.0)]

    def logs(self, _, name, lines):
        self.asked = (name, lines)
        return iter(self.lines)

    def restart(self, place, name):
        with pytest.raises(BusyError), lease(place.run, "deploy"):
            pass
        self.restarted.append(name)


@pytest.fixture
def runtime(monkeypatch):
    found = Runtime()
    monkeypatch.setattr(verbs.runtime, "of", lambda _: found)
    return found


def test_it_says_that_it_is_there(place):
    assert {"status": "ready"} == verbs.act(place, Request(verb="ping"))


@pytest.mark.usefixtures("runtime")
def test_it_tells_how_services_are(place):
    found = verbs.act(place, Request(verb="status"))

    assert [("store", "running")] == [(each["name"], each["state"]) for each in found]


def test_it_hands_out_what_a_service_wrote(place, runtime):
    found = verbs.act(place, Request(verb="logs", service="store", lines=7))

    assert ["one", "two"] == found
    assert ("store", 7) == runtime.asked


def test_no_secret_leaves_with_what_a_service_wrote(place, runtime):
    runtime.lines = ["key=s3cret-of-the-store;"]

    assert ["key=***;"] == verbs.act(place, Request(verb="logs", service="store"))


def test_a_flood_of_words_is_cut_and_its_end_is_kept(place, runtime):
    runtime.lines = ["x" * 1_000_000, *("\0" * 5000 for _ in range(LINES)), "the end"]
    found = verbs.act(place, Request(verb="logs", service="store", lines=LINES))
    runtime.lines = ["\0" * 4000, "the end"] * 500
    again = verbs.act(place, Request(verb="logs", service="store", lines=LINES))

    assert max(map(len, found)) <= verbs.LINE_CHARACTERS
    assert "the end" == again[-1]
    for lines in (found, again):
        assert len(Answer(result=lines).model_dump_json()) < ANSWER_BYTES


def test_it_restarts_one_service_while_it_holds_the_installation(place, runtime):
    assert {"restarted": "store"} == verbs.act(place, Request(verb="restart", service="store"))
    assert ["store"] == runtime.restarted


def test_it_restarts_nothing_while_somebody_else_holds_the_installation(place, runtime):
    with lease(place.run, "deploy"), pytest.raises(BusyError, match="deploy"):
        verbs.act(place, Request(verb="restart", service="store"))

    assert [] == runtime.restarted


@pytest.mark.parametrize("name", ["beast-agent", "elsewhere", "nobody"])
@pytest.mark.parametrize("verb", ["logs", "restart"])
def test_only_services_of_ours_in_containers_are_touched(place, runtime, verb, name):
    with pytest.raises(MissingError, match="no such service"):
        verbs.act(place, Request(verb=verb, service=name))

    assert [] == runtime.restarted


@pytest.mark.usefixtures("runtime")
def test_without_a_name_nothing_is_restarted(place):
    with pytest.raises(UsageError, match="name of a service"):
        verbs.act(place, Request(verb="restart"))


@pytest.mark.parametrize("verb", ["upgrade"])
def test_what_it_cannot_do_yet_is_refused_in_words(place, verb):
    with pytest.raises(UsageError, match="on the host"):
        verbs.act(place, Request(verb=verb))


@pytest.mark.parametrize("verb", ["", "exec", "__class__", "act"])
def test_no_other_verb_is_known(place, verb):
    with pytest.raises(UsageError, match="no such verb"):
        verbs.act(place, Request(verb=verb))


def test_it_tells_when_operations_last_succeeded(place):
    moments = [datetime(2026, 5, day, tzinfo=UTC).isoformat() for day in (1, 2, 3)]
    for when, outcome in zip(moments, ("done", "proven", "failed"), strict=True):
        receipts.write(
            place.receipts,
            receipts.Receipt(
                operation="backup",
                outcome=outcome,
                release="1-0",
                content="",
                previous=None,
                started=when,
                finished=when,
                seconds=0.0,
                changed=(),
                checks=(),
            ),
        )

    told = {"backup": moments[1], receipts.BORN: moments[0]}

    assert told == verbs.act(place, Request(verb="history"))


def test_it_tells_when_the_keeper_last_looked(place):
    assert {"seen": None} == verbs.act(place, Request(verb="keeper"))
    seen = datetime(2026, 5, 1, tzinfo=UTC)
    state.write(place.run, state.State(seen))

    assert {"seen": seen.isoformat()} == verbs.act(place, Request(verb="keeper"))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"restart store",
        b"[]",
        json.dumps({"verb": "logs", "service": "../store"}).encode(),
        json.dumps({"verb": "logs", "service": "a;b"}).encode(),
        json.dumps({"verb": "logs", "lines": 0}).encode(),
        json.dumps({"verb": "logs", "lines": LINES + 1}).encode(),
        json.dumps({"verb": "logs", "follow": True}).encode(),
        json.dumps({"service": "store"}).encode(),
    ],
)
def test_what_is_no_request_is_refused(said):
    with pytest.raises(UsageError, match="no request"):
        read_request(said)


def test_it_tells_what_the_drivers_of_the_host_say(place, monkeypatch):
    readings = iter(
        Reading(devices=(Device(index=0, vendor="nvidia", total=24, used=used),)) for used in (7, 9)
    )
    monkeypatch.setattr(host, "_HOSTS", {place.root: host.Host(place, lambda: next(readings))})

    def told(name=None):
        found = verbs.act(place, Request(verb="gpu", name=name))
        return Reading.model_validate_json(json.dumps(found)).devices[0].used

    assert [7, 7, 9, 9] == [told(), told(), told("fresh"), told()]
