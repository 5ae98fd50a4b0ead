# SPDX-License-Identifier: Apache-2.0
"""Every operation of the API has its method, in both colours, and no other has one."""

import asyncio
import inspect

import pytest

from beast_ops.api.app import described
from beast_ops.client.awaited import AsyncClient
from beast_ops.client.rooms import Rooms
from beast_ops.client.rooms_async import AsyncRooms
from beast_ops.client.waiting import Client
from beast_ops.errors import MissingError
from beast_ops.reference import __main__ as program
from beast_ops.reference.client import client_files
from beast_ops.reference.client_names import NAMES

DESCRIBED = described()
OPERATIONS = [
    (method.upper(), path) for path, item in DESCRIBED["paths"].items() for method in item
]


class Noted(Rooms):
    """A client that asks nobody."""

    def __init__(self):
        self.asked = []

    def call(self, asked):
        self.asked.append(asked)
        return {}

    def messages(self, asked):
        self.asked.append(asked)
        return iter(())


class NotedAsync(AsyncRooms):
    def __init__(self):
        self.asked = []

    async def call(self, asked):
        self.asked.append(asked)
        return {}

    def messages(self, asked):
        self.asked.append(asked)


def test_there_are_operations_to_reach():
    assert len(OPERATIONS) > 60
    assert set(OPERATIONS) == set(NAMES)


def words(method):
    """Return something for each word a method must have."""
    named = inspect.signature(method).parameters.values()
    return [f"a/{each.name}" for each in named if each.kind is each.POSITIONAL_ONLY]


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=" ".join)
@pytest.mark.parametrize("kind", [Noted, NotedAsync])
def test_every_operation_is_reached(kind, method, path):
    client = kind()
    room, _, name = NAMES[method, path].partition(".")
    bound = getattr(getattr(client, room), name)
    answer = bound(*words(bound))
    if inspect.isawaitable(answer):
        asyncio.run(asyncio.wait_for(answer, 5))
    (asked,) = client.asked

    wanted = path
    for part in [each for each in path.split("/") if each.startswith("{")]:
        wanted = wanted.replace(part, f"a%2F{part[1:-1]}")
    assert (method, wanted) == (asked.method, asked.path)


def test_the_files_are_those_of_the_description():
    wanted = client_files(DESCRIBED)
    here = {
        str(path.relative_to(program.CLONE)): path.read_text()
        for path in (program.CLONE / "beast_ops/client/made").glob("*.py")
    }

    assert wanted == here, "run: python -m beast_ops.reference"


def test_a_new_operation_without_a_name_is_refused():
    more = {"/new": {"get": {"summary": "New", "responses": {}}}}

    with pytest.raises(MissingError, match="no name for an operation"):
        client_files({**DESCRIBED, "paths": {**DESCRIBED["paths"], **more}})


def test_both_clients_have_all_rooms():
    rooms = {name.partition(".")[0] for name in NAMES.values()}

    for kind in (Client, AsyncClient):
        assert rooms <= set(dir(kind))
