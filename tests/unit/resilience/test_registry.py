# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from beast_ops.errors import UnavailableError
from beast_ops.resilience import Guards, Policy
from beast_ops.resilience.policy import CHAT, EMBED


async def fine():
    return 1


async def away():
    raise UnavailableError("away")


def test_a_model_of_a_server_has_one_guard():
    guards = Guards()

    one = guards.get("http://name:word@host:1", "a", CHAT)

    assert one is guards.get("http://host:1/", "a", CHAT)
    assert one is not guards.get("http://host:2", "a", CHAT)
    assert one is not guards.get("http://host:1", "b", CHAT)
    assert one is not guards.get("http://host:1", "a", EMBED)
    assert "a at host:1" == one.name
    assert "host:1" == guards.get("http://host:1", "", CHAT).name


def test_one_model_that_fails_does_not_stop_another():
    guards, once = Guards(), Policy(failures=1, attempts=1)
    with pytest.raises(UnavailableError):
        asyncio.run(guards.get("http://h", "a", once).run(away))

    assert 1 == asyncio.run(guards.get("http://h", "b", once).run(fine))

    states = {key: [each.state for each in all_] for key, all_ in guards.standings().items()}
    assert {("h", "a"): ["opened"], ("h", "b"): ["closed"]} == states


def test_names_that_strangers_make_up_do_not_pile_up():
    guards, once = Guards(most=5), Policy(failures=1, attempts=1)
    with pytest.raises(UnavailableError):
        asyncio.run(guards.get("http://h", "open", once).run(away))

    for number in range(100):
        guards.get("http://h", str(number), once)

    kept = {model for _, model in guards.standings()}
    assert {"open", "96", "97", "98", "99"} == kept


def test_all_can_be_forgotten():
    guards = Guards()
    guards.get("http://h", "a", CHAT)
    guards.clear()

    assert {} == guards.standings()
