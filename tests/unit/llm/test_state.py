# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import pytest

from beast_ops.llm.state import DOWN, Loaded, ModelState, read
from beast_ops.testing import Canned, fake_service, free_port

GOOD = {
    "/api/version": Canned({"version": "0.32.15"}),
    "/api/tags": Canned({"models": [{"name": "a", "size": 10}, {"name": "b", "size": 20}]}),
    "/api/ps": Canned({"models": [{"name": "a", "size": 12, "size_vram": 12}]}),
}


def seen(answers, seconds=5.0):
    with fake_service(answers) as fake:
        return asyncio.run(read(fake.address, seconds))


def test_a_server_tells_what_it_has_and_what_it_holds():
    expected = ModelState(up=True, installed={"a": 10, "b": 20}, loaded={"a": Loaded(12, 12)})

    assert expected == seen(GOOD)


@pytest.mark.parametrize("none", [[], None])
def test_a_server_without_models_is_up(none):
    nothing = Canned({"models": none})

    assert ModelState(up=True) == seen({**GOOD, "/api/tags": nothing, "/api/ps": nothing})


@pytest.mark.parametrize(
    ("vram", "on_cpu"), [({"size_vram": 12}, False), ({"size_vram": 3}, True), ({}, True)]
)
def test_a_model_is_on_the_processor_unless_all_of_it_is_on_a_gpu(vram, on_cpu):
    running = Canned({"models": [{"name": "a", "size": 12, **vram}]})

    assert on_cpu == seen({**GOOD, "/api/ps": running}).loaded["a"].on_cpu


@pytest.mark.parametrize(
    "answer",
    [Canned(status=500), Canned(b"<html>"), Canned({"models": [{}]}), Canned({}), Canned([])],
    ids=["refuses", "says nonsense", "leaves out names", "leaves out models", "sends a list"],
)
@pytest.mark.parametrize("path", ["/api/tags", "/api/ps"])
def test_a_server_that_does_not_answer_as_it_should_is_down(path, answer):
    assert DOWN == seen({**GOOD, path: answer})


def test_nobody_there_is_down():
    assert DOWN == asyncio.run(read(f"http://127.0.0.1:{free_port()}"))


def test_a_server_that_hangs_is_down_in_time():
    begun = time.monotonic()

    assert DOWN == seen({**GOOD, "/api/ps": Canned(seconds=30)}, 0.2)
    assert time.monotonic() - begun < 2
