# SPDX-License-Identifier: Apache-2.0
import json

import pytest
import stamina

from beast_ops.cards import Services
from beast_ops.errors import MissingError, ServiceError, UnavailableError
from beast_ops.models import ensure, ensure_all
from beast_ops.models import pull as pulling
from beast_ops.models.names import full, missing
from beast_ops.testing import Canned, a_service, fake_service, free_port


@pytest.fixture(autouse=True)
def _hurry():
    """Do not wait between attempts."""
    stamina.set_testing(True, attempts=pulling.ATTEMPTS)
    yield
    stamina.set_testing(False)


LAYER = {"status": "pulling 3f8eb4da87fa", "digest": "sha256:3f", "total": 4_700_000_000}
END = [{"status": "verifying sha256 digest"}, {"status": "writing manifest"}]
SUCCESS = {"status": "success"}


def lines(*said):
    return b"".join(json.dumps(line).encode() + b"\n" for line in said)


class ModelServer:
    """A model server that has *present*, and streams what *pulls* say, one after the other."""

    def __init__(self, present=(), pulls=()):
        self.present, self.pulls = list(present), list(pulls)
        self.answers = {"/api/tags": self.tags, "/api/pull": self.pull}

    def tags(self, _):
        return Canned({"models": [{"name": name} for name in self.present]})

    def pull(self, asked):
        said = self.pulls.pop(0)
        if b"success" in said:
            self.present.append(full(json.loads(asked.body)["model"]))
        return Canned(said)


@pytest.fixture
def get():
    """Have models on a server; return what was fetched, what was said and what was asked for."""

    def getting(server, *wanted):
        said = []
        with fake_service(server.answers) as fake:
            try:
                fetched = ensure(fake.address, wanted, said.append)
            finally:
                getting.asked = [
                    json.loads(asked.body)["model"] for asked in fake.asked if asked.body
                ]
                getting.said = said
                getting.requests = len(fake.asked)
        return fetched

    return getting


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gemma3", "gemma3:latest"),
        ("gemma3:4b", "gemma3:4b"),
        ("library/gemma3", "library/gemma3:latest"),
        ("host:5000/gemma3", "host:5000/gemma3:latest"),
        ("host:5000/gemma3:4b", "host:5000/gemma3:4b"),
    ],
)
def test_a_name_without_a_tag_means_the_newest(name, expected):
    assert expected == full(name)


def test_what_is_missing_is_called_as_it_was_asked_for_and_once():
    assert ("b",) == missing(["a", "b", "b:latest"], ["a:latest"])


def test_what_is_there_costs_one_question(get):
    assert () == get(ModelServer(["gemma3:latest"]), "gemma3", "gemma3:latest")
    assert 1 == get.requests


def test_what_is_missing_is_fetched(get):
    server = ModelServer(["a:latest"], [lines({"status": "pulling manifest"}, LAYER, SUCCESS)])

    assert ("b:1b",) == get(server, "a", "b:1b")
    assert ["b:1b"] == get.asked


def test_progress_is_told_in_steps(get):
    total = LAYER["total"]
    parts = [{**LAYER, "completed": total * percent // 100} for percent in range(101)]
    server = ModelServer(pulls=[lines(LAYER, *parts, *END, SUCCESS)])

    get(server, "m")

    layers = [line for line in get.said if "pulling 3f8eb4da87fa" in line]
    assert [f"m: pulling 3f8eb4da87fa {step} % of 4.7 GB" for step in range(0, 101, 10)] == layers
    assert "m: success" == get.said[-1]


def test_a_model_nobody_knows_is_a_mistake_in_the_list_and_not_tried_again(get):
    error = {"error": "pull model manifest: file does not exist"}
    server = ModelServer(pulls=[lines({"status": "pulling manifest"}, error)])

    with pytest.raises(MissingError, match="there is no model of this name"):
        get(server, "typo")

    assert ["typo"] == get.asked


def test_an_error_after_the_stream_began_is_tried_again_and_told(get):
    error = lines(LAYER, {"error": "max retries exceeded: EOF"})
    server = ModelServer(pulls=[error] * pulling.ATTEMPTS)

    with pytest.raises(ServiceError, match="cannot fetch the model: max retries exceeded") as wrong:
        get(server, "m")

    assert "goes on where it stopped" in wrong.value.hint
    assert pulling.ATTEMPTS == len(get.asked)


@pytest.mark.parametrize("broken", [lines(LAYER), lines(LAYER, *END), b""], ids=len)
def test_a_stream_without_success_is_gone_on_with(broken, get):
    server = ModelServer(pulls=[broken, lines(LAYER, SUCCESS)])

    assert ("m",) == get(server, "m")
    assert f"m: going on where it stopped (2 of {pulling.ATTEMPTS})" in get.said


def test_a_stream_that_never_succeeds_is_given_up(get):
    server = ModelServer(pulls=[lines(LAYER)] * pulling.ATTEMPTS)

    with pytest.raises(UnavailableError, match="broke off while it fetched m"):
        get(server, "m")


def test_what_is_no_stream_of_lines_is_no_model_server(get):
    server = ModelServer(pulls=[b"<html>\n"] * pulling.ATTEMPTS)

    with pytest.raises(ServiceError, match="does not answer like a model server"):
        get(server, "m")


@pytest.mark.parametrize("body", [b"<html>", {"models": [{"size": 1}]}, []])
def test_a_list_that_is_none_is_no_model_server(body):
    with (
        fake_service({"/api/tags": Canned(body)}) as fake,
        pytest.raises(ServiceError, match="does not answer like a model server"),
    ):
        ensure(fake.address, ["m"], print)


def test_a_refusal_before_the_stream_is_told():
    answers = {
        "/api/tags": Canned({"models": []}),
        "/api/pull": Canned({"error": "invalid model name"}, status=400),
    }
    with (
        fake_service(answers) as fake,
        pytest.raises(ServiceError, match="invalid model name"),
    ):
        ensure(fake.address, ["m"], print)


def test_a_model_that_vanishes_again_is_told(get):
    server = ModelServer(pulls=[lines(SUCCESS)])
    server.answers["/api/tags"] = Canned({"models": []})

    with pytest.raises(MissingError, match="was fetched and is not there"):
        get(server, "m")


def test_a_server_that_talks_for_ever_is_left_when_time_is_up(monkeypatch):
    monkeypatch.setattr(pulling, "DEADLINE_SECONDS", -1.0)
    answers = {"/api/pull": lambda _: Canned(lines(LAYER, LAYER))}

    with fake_service(answers) as fake, pytest.raises(UnavailableError, match="was not here after"):
        pulling.pull(fake.address, "m", print)


def services(*some):
    return Services(project="b", runtime="embedded", root="/b", data="/b/data/1", services=some)


def test_every_server_gets_what_its_card_names():
    server = ModelServer(pulls=[lines(SUCCESS)])
    with fake_service(server.answers) as fake:
        found = services(a_service("o", fake.address, models=("m",)), a_service("p", fake.address))

        assert ("m",) == ensure_all(found, print)


def test_a_server_one_can_do_without_is_passed_over_when_it_is_away():
    said = []
    away = f"http://127.0.0.1:{free_port()}"
    found = services(a_service("o", away, optional=True, models=("m",)))

    assert () == ensure_all(found, said.append)
    assert ["o is not there; its models are passed over"] == said


def test_a_server_that_must_be_there_is_waited_for_by_nobody():
    away = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(UnavailableError):
        ensure_all(services(a_service("o", away, models=("m",))), print)
