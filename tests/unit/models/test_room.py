# SPDX-License-Identifier: Apache-2.0
"""A model that does not fit on the disk is left before it begins to come."""

import json

import pytest

from beast_ops.card_parts import State
from beast_ops.cards import Services
from beast_ops.errors import PreflightError
from beast_ops.llm.listing import Step
from beast_ops.models import ensure_all
from beast_ops.models.pull import pull
from beast_ops.models.room import RESERVE, Room, beside, free_in
from beast_ops.testing import Canned, a_service, fake_service

GB = 10**9
LAYERS = [
    {"status": "pulling manifest"},
    {"status": "pulling one", "digest": "sha256:one", "total": 40 * GB},
    {"status": "pulling one", "digest": "sha256:one", "total": 40 * GB, "completed": GB},
    {"status": "success"},
]


def fetch(free):
    """Fetch a model of 40 GB where so much is free; return what was said, and was asked."""
    body = b"".join(json.dumps(each).encode() + b"\n" for each in LAYERS)
    said = []
    with fake_service({"/api/pull": Canned(body)}) as fake:
        try:
            pull(fake.address, "m", said.append, free=free)
        finally:
            fetch.asked = len(fake.asked)
    return said


def test_a_full_disk_is_told_before_anything_is_asked():
    with pytest.raises(PreflightError, match="no room") as failed:
        fetch(lambda: RESERVE - 1)

    assert 0 == fetch.asked
    assert "models.list" in failed.value.hint


def test_a_model_that_does_not_fit_is_left_before_it_comes_and_not_tried_again():
    with pytest.raises(PreflightError, match=r"it needs 42\.1 GB .* and 42\.0 GB are"):
        fetch(lambda: 42 * GB)

    assert 1 == fetch.asked


@pytest.mark.parametrize("free", [None, lambda: 43 * GB], ids=["nobody knows", "it fits"])
def test_what_fits_or_cannot_be_known_comes(free):
    assert "m: success" == fetch(free)[-1]


def test_only_what_is_not_here_yet_has_to_fit():
    room = Room("m", lambda: RESERVE + GB)

    room.check(Step("pulling", "sha256:one", 40 * GB, 39 * GB))
    room.check(Step("pulling", "sha256:one", 40 * GB, 40 * GB))
    with pytest.raises(PreflightError):
        room.check(Step("pulling", "sha256:two", GB + 1))


def test_the_disk_of_a_container_of_ours_is_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr("beast_ops.models.room.RESERVE", 2**62)

    def has(address, **more):
        one = a_service("o", address, models=("m",), **more)
        there = {"project": "b", "runtime": "compose", "root": "/b", "data": str(tmp_path)}
        return Services(**there, services=(one,))

    with fake_service({"/api/tags": Canned({"models": []})}) as fake:
        with pytest.raises(PreflightError, match="no room"):
            ensure_all(has(fake.address, image="ollama/ollama:1"), print)
        assert 1 == len(fake.asked)


def test_a_folder_that_is_not_on_this_host_tells_nothing(tmp_path):
    assert free_in(tmp_path / "elsewhere") is None
    assert free_in(tmp_path)() > 0


@pytest.mark.parametrize(("image", "shared"), [("ollama/ollama:1", True), (None, False)])
def test_only_a_container_of_ours_shares_the_disk_of_our_data(image, shared):
    state = (State(how="models", volume="models", set="models"),)
    one = a_service("o", "http://127.0.0.1:1", image=image, state=state)
    services = Services(project="b", runtime="compose", root="/b", data="/b/d", services=(one,))

    assert shared == beside(services)
