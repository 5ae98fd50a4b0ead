# SPDX-License-Identifier: Apache-2.0
from datetime import UTC, datetime

import pytest

from beast_ops import http
from beast_ops.api.learning import learn
from beast_ops.api.settings import Surroundings
from beast_ops.cards import Health
from beast_ops.clock import Clock
from beast_ops.gpu import speeds
from beast_ops.llm.paces import MOST, Answered, Paces
from beast_ops.llm.state import DOWN, ModelState
from beast_ops.testing import a_service, an_installation

URL = "http://127.0.0.1:11434"
NOW = datetime(2026, 5, 1, tzinfo=UTC)
CLOCK = Clock(now=lambda: NOW)
HAS = ModelState(up=True, digests={"a:latest": "d"})


@pytest.fixture
def around(tmp_path):
    """Return a maker of what surrounds the process, and of the answers it gave."""

    def make(url=URL, *services):
        place = an_installation(tmp_path / "root", *services)
        data = place.data / "1"
        (data / "api").mkdir()
        answers = Paces()
        for server in (f"{URL}/", "http://elsewhere"):
            answers.add(Answered(server, "a", 100, 2.0, NOW.timestamp()))
        found = Surroundings(
            root=place.root,
            services=place.services,
            data=data,
            settings=place.root / "settings.json",
            secrets=place.secrets,
            vectors_url="http://127.0.0.1:1",
            vectors_key=None,
            models_url=url,
        )
        return found, answers

    return make


def kept(around):
    return speeds.read(speeds.speeds_file(around.data)).lines


def models(**said):
    return a_service("models", URL, health=Health(deep="models"), **said)


@pytest.mark.parametrize(("external", "server"), [(True, URL), (False, "models")])
def test_what_our_server_answered_is_learned(around, external, server):
    found, answers = around(URL, models(external=external))
    learn(found, HAS, answers, CLOCK)
    (line,) = kept(found)

    assert (server, "a:latest", "d", 50.0) == (
        line.server,
        line.model,
        line.digest,
        line.recent[0].speed,
    )
    assert [] == answers.taken()


def test_it_is_added_to_what_was_known(around):
    found, answers = around(http.Guarded(URL, "key"), models())
    learn(found, HAS, answers, CLOCK)
    answers.add(Answered(URL, "a:latest", 100, 1.0, NOW.timestamp()))
    learn(found, HAS, answers, CLOCK)

    assert [50.0, 100.0] == [each.speed for each in kept(found)[0].recent]


@pytest.mark.parametrize("state", [None, DOWN])
def test_answers_wait_until_the_server_tells_its_models(around, state):
    found, answers = around(URL, models())
    learn(found, state, answers, CLOCK)

    assert ((), 2) == (kept(found), len(answers.taken()))


@pytest.mark.parametrize(("url", "services"), [(None, (models(),)), (URL, ())])
def test_without_a_model_server_nothing_is_learned(around, url, services):
    found, answers = around(url, *services)
    learn(found, HAS, answers, CLOCK)

    assert () == kept(found)


def test_where_there_is_nothing_new_nothing_is_written(around):
    found, answers = around(URL, models())
    answers.taken()
    learn(found, HAS, answers, CLOCK)

    assert not speeds.speeds_file(found.data).exists()


def test_answers_that_nobody_takes_are_bounded():
    answers = Paces()
    for number in range(MOST + 5):
        answers.add(Answered(URL, "a", number, 1.0, 0.0))
    found = answers.taken()

    assert (MOST, 5) == (len(found), found[0].tokens)
