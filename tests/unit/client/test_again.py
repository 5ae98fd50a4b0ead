# SPDX-License-Identifier: Apache-2.0
"""What is asked again, how often, and what never is."""

import asyncio

import pytest

from beast_ops.api.app import described
from beast_ops.api.rules import Rules
from beast_ops.client import Again, AsyncClient, Client, Where
from beast_ops.client.asked import KEY, ONCE, Asked
from beast_ops.clock import Clock
from beast_ops.errors import UnavailableError, UsageError
from beast_ops.testing import Canned, fake_service, free_port

BUSY = Canned({"error": {"message": "not now", "hint": ""}}, status=503)


class Answers:
    """Refuses so often, then answers."""

    def __init__(self, refusals):
        self.left = refusals

    def __call__(self, _asked):
        self.left -= 1
        return BUSY if self.left >= 0 else Canned({"fine": True})


def sync(address, asked, again=None):
    slept = []
    clock = Clock(monotonic=lambda: sum(slept), sleep=slept.append)
    with Client(Where(address, "t"), again=again, clock=clock) as client:
        try:
            return client.call(asked), slept
        except UnavailableError:
            return None, slept


def awaited(address, asked, again=None):
    async def ask():
        async with AsyncClient(Where(address, "t"), again=again) as client:
            try:
                return await client.call(asked)
            except UnavailableError:
                return None

    return asyncio.run(ask()), None


both = pytest.mark.parametrize("ask", [sync, awaited])


@both
def test_what_does_no_harm_is_asked_again(ask):
    with fake_service({"/x": Answers(2)}) as fake:
        found, slept = ask(fake.address, Asked("GET", "/x"))

    assert ({"fine": True}, 3) == (found, len(fake.asked))
    assert slept in (None, [0.2, 0.4])


@both
def test_there_is_an_end_of_it(ask):
    with fake_service({"/x": Answers(3)}) as fake:
        found, _ = ask(fake.address, Asked("GET", "/x"))

    assert (None, 3) == (found, len(fake.asked))


@both
def test_a_post_carries_a_key_by_which_the_api_knows_it_again(ask):
    with fake_service({"/x": Answers(1)}) as fake:
        found, _ = ask(fake.address, Asked("POST", "/x", body={}))
    keys = {each.headers[KEY.lower()] for each in fake.asked}

    assert ({"fine": True}, 2, 1) == (found, len(fake.asked), len(keys))


@both
@pytest.mark.parametrize(
    "asked",
    [
        Asked("DELETE", "/x"),
        Asked("PATCH", "/x", body={}),
        Asked("PUT", "/x", content=b"once"),
        Asked("POST", "/tokens", body={}),
    ],
    ids=lambda asked: f"{asked.method} {asked.path}",
)
def test_what_might_have_had_its_effect_is_asked_once(ask, asked):
    with fake_service({asked.path: Answers(1)}) as fake:
        found, _ = ask(fake.address, asked)

    assert (None, 1) == (found, len(fake.asked))
    assert KEY.lower() not in fake.asked[0].headers


def test_what_reached_nobody_is_sent_again():
    address = f"http://127.0.0.1:{free_port()}"

    assert [0.2, 0.4] == sync(address, Asked("DELETE", "/x"))[1]
    assert [] == sync(address, Asked("PUT", "/x", content=iter([b"x"])))[1]


def test_the_api_says_how_long_and_we_have_no_patience_for_ever():
    assert 7.0 == Again(seconds=30).wait(1, 7.0, 0.0, safe=True)
    assert Again(seconds=30).wait(1, 31.0, 0.0, safe=True) is None
    assert Again(seconds=30).wait(1, 0.0, 29.9, safe=True) is None
    assert Again(seconds=30).wait(1, 0.0, 0.0, safe=False) is None


def test_once_means_what_the_api_keeps_no_answer_of():
    from fastapi import FastAPI

    from beast_ops.api.app import ROOMS

    app = FastAPI()
    app.routes.extend(route for room in ROOMS for route in room.router.routes)
    secret = {each.path for each in Rules(app.routes).table if each.rule.secret}

    assert secret == ONCE
    assert ONCE <= set(described()["paths"])


def test_a_refusal_that_is_none_of_time_is_told_at_once():
    refused = Canned({"error": {"message": "no sense", "hint": ""}}, status=422)
    with fake_service({"/x": refused}) as fake, Client(Where(fake.address, "t")) as client:
        with pytest.raises(UsageError, match="no sense"):
            client.call(Asked("GET", "/x"))

        assert 1 == len(fake.asked)
