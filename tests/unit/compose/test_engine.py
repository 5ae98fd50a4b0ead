# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import ConnectionError as RequestFailed
from urllib3.exceptions import ProtocolError

from beast_ops.compose.engine import Engine
from beast_ops.errors import MissingError, ServiceError, UnavailableError

INSPECTED = {
    "Id": "abc",
    "Image": "sha256:0123",
    "RestartCount": 2,
    "Config": {
        "Image": "made/eye:1",
        "Labels": {"org.ai-beast.service": "eye", "org.ai-beast.change": "0123"},
    },
    "State": {
        "Status": "running",
        "Health": {"Status": "healthy"},
        "StartedAt": "2026-01-02T03:04:05.123456789Z",
        "ExitCode": 0,
    },
}


class Api:
    """Answers what the engine's SDK would; what is an exception is raised."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def __getattr__(self, name):
        def call(*words, **said):
            self.asked.append((name, words, said))
            answer = self.answers.get(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture
def engine(monkeypatch):
    """Return a function that makes an engine which answers so."""

    def make(**answers):
        api = Api(**answers)
        client = type("Client", (), {"api": api})
        monkeypatch.setattr("docker.from_env", lambda **_: client)
        return Engine(), api

    return make


def test_only_containers_with_our_label_and_root_are_asked_for(engine):
    found, api = engine(containers=[{"Id": "abc"}], inspect_container=INSPECTED)

    (container,) = found.containers("/opt/beast")

    assert ("eye", "0123", "running", "healthy", 2, 0) == (
        container.service,
        container.change,
        container.state,
        container.health,
        container.restarts,
        container.code,
    )
    assert ("made/eye:1", "sha256:0123") == (container.image, container.image_id)
    assert datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) == container.started
    assert {"all": True, "filters": {"label": "org.ai-beast.root=/opt/beast"}} == api.asked[0][2]


def test_a_container_that_goes_while_we_look_is_passed_over(engine):
    found, _ = engine(containers=[{"Id": "a"}], inspect_container=NotFound("gone"))

    assert [] == found.containers("/opt/beast")


@pytest.mark.parametrize("started", ["", "0001-01-01T00:00:00Z"])
def test_what_never_started_has_no_start(started, engine):
    state = {"Status": "created", "StartedAt": started}
    found, _ = engine(containers=[{"Id": "a"}], inspect_container={**INSPECTED, "State": state})

    (container,) = found.containers("/")
    assert (None, "", False) == (container.started, container.health, container.well)


@pytest.mark.parametrize(
    ("state", "health", "well"),
    [
        ("running", None, True),
        ("running", "healthy", True),
        ("running", "starting", False),
        ("running", "unhealthy", False),
        ("exited", None, False),
        ("restarting", "healthy", False),
    ],
)
def test_it_is_well_if_it_runs_and_nothing_says_otherwise(state, health, well, engine):
    told = {**INSPECTED["State"], "Status": state, "Health": health and {"Status": health}}
    found, _ = engine(containers=[{"Id": "a"}], inspect_container={**INSPECTED, "State": told})

    assert well == found.containers("/")[0].well


@pytest.mark.parametrize(
    ("text", "expected"), [("26.1.5+dfsg1", (26, 1, 5)), ("29.0.0-rc.1", (29, 0, 0))]
)
def test_a_version_is_compared_by_its_numbers(text, expected, engine):
    assert expected == engine(version={"Version": text})[0].version()


def test_an_image_is_here_or_not(engine):
    here, gone = {"Id": "sha256:1"}, ImageNotFound("no")

    assert "sha256:1" == engine(inspect_image=here)[0].image_id("x:1")
    assert engine(inspect_image=here)[0].has_image("x:1")
    assert engine(inspect_image=gone)[0].image_id("x:1") is None
    assert not engine(inspect_image=gone)[0].has_image("x:1")


def test_images_without_a_name_are_none_of_ours(engine):
    found, _ = engine(images=[{"RepoTags": ["ai-beast:a"]}, {"RepoTags": None}])

    assert ["ai-beast:a"] == found.own_images("ai-beast")


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (NotFound("no", explanation="no such container"), MissingError),
        (APIError("no", explanation="conflict"), ServiceError),
        (DockerException("no socket"), UnavailableError),
        (RequestFailed("timeout"), UnavailableError),
        (ProtocolError("broken off"), UnavailableError),
    ],
)
def test_whatever_goes_wrong_is_an_error_of_ours(raised, error, engine):
    with pytest.raises(error):
        engine(kill=raised)[0].kill("abc", "HUP")


def test_without_an_engine_it_says_how_to_look(monkeypatch):
    def fail(**_):
        raise DockerException("no socket")

    monkeypatch.setattr("docker.from_env", fail)

    with pytest.raises(UnavailableError) as failed:
        Engine()

    assert "systemctl status docker" in failed.value.hint


def test_logs_are_lines_whatever_their_bytes(engine):
    assert ["a", "\ufffd"] == engine(logs=b"a\n\xff\n")[0].logs("abc", 2)


def test_followed_lines_are_whole_however_they_arrive(engine):
    found, _ = engine(logs=iter([b"on", b"e\ntw", b"o\n"]))

    assert ["one", "two"] == list(found.follow("abc", 9))


def test_a_log_that_breaks_off_while_it_is_followed_is_an_error_of_ours(engine):
    def stream():
        yield b"one\n"
        raise ProtocolError("broken off")

    found = engine(logs=stream())[0].follow("abc", 9)

    assert "one" == next(found)
    with pytest.raises(UnavailableError):
        next(found)


def test_a_container_is_stopped_in_its_time_before_it_is_removed(engine):
    found, api = engine()

    found.remove("abc", 30)

    assert ["stop", "remove_container"] == [name for name, *_ in api.asked]
    assert {"timeout": 30} == api.asked[0][2]


def test_only_networks_of_this_root_go(engine):
    found, api = engine(networks=[{"Id": "n1"}])

    found.remove_networks("/opt/beast")

    assert {"filters": {"label": "org.ai-beast.root=/opt/beast"}} == api.asked[0][2]
    assert ("remove_network", ("n1",), {}) == api.asked[1]


def test_networks_that_nobody_is_in_go_and_no_others(engine):
    found, api = engine(prune_networks={"NetworksDeleted": ["beast-models"]})

    found.sweep_networks("/opt/beast")

    assert [("prune_networks", (), {"filters": {"label": "org.ai-beast.root=/opt/beast"}})] == (
        api.asked
    )
