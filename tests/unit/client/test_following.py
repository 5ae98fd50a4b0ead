# SPDX-License-Identifier: Apache-2.0
"""Whoever follows events gives up when the API stays away, not when it is quiet in between."""

import asyncio

import pytest

from beast_ops.client import AsyncClient, Client, Where
from beast_ops.clock import Clock
from beast_ops.errors import UnavailableError
from beast_ops.testing import Canned, fake_service

AWAY = Canned({"error": {"message": "not now", "hint": ""}}, status=503)
QUIET = Canned(b": alive\n\n")
TOLD = Canned(b'id: 7\nevent: job.done\ndata: {"number": 7, "name": "job.done"}\n\n')


class Api:
    """Answers one after the other, each after a minute and a half."""

    def __init__(self, *answers):
        self.left, self.now = list(answers), 0.0
        self.clock = Clock(monotonic=lambda: self.now, sleep=lambda _: None)

    def __call__(self, _asked):
        self.now += 90.0
        return self.left.pop(0)


def waited(address, api):
    with Client(Where(address, "t"), clock=api.clock) as client:
        return next(client.follow(after=0, patience=60.0))


def awaited(address, api):
    async def first():
        async with AsyncClient(Where(address, "t"), clock=api.clock) as client:
            return await anext(client.follow(after=0, patience=60.0))

    return asyncio.run(first())


@pytest.mark.parametrize("follow", [waited, awaited])
def test_one_that_was_there_in_between_is_waited_for_anew(follow):
    api = Api(AWAY, QUIET, AWAY, TOLD)
    with fake_service({"/events/stream": api}) as fake:
        assert 7 == follow(fake.address, api)["number"]


@pytest.mark.parametrize("follow", [waited, awaited])
def test_one_that_stays_away_is_given_up(follow):
    api = Api(AWAY, AWAY, TOLD)
    with fake_service({"/events/stream": api}) as fake, pytest.raises(UnavailableError):
        follow(fake.address, api)
