# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import time

import pytest

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, UnavailableError
from beast_ops.search import dense
from beast_ops.search.dense import REST_SECONDS, Embedders
from beast_ops.testing import Canned, fake_service
from tests import tiny_models

OLLAMA = {"embedder": "ollama", "model": "some-model", "dimension": 3}


def ask(embedders, metadata, *texts):
    async def go():
        return [await embedders.embed(metadata, text) for text in texts]

    return asyncio.run(go())


@pytest.fixture
def at():
    """Make embedders for an address that are closed afterwards."""
    made = []

    def making(address, clock=SYSTEM):
        made.append(Embedders(address, clock))
        return made[-1]

    yield making
    for each in made:
        each.close()


def test_the_hash_embedder_needs_no_server(at):
    (vector,) = ask(at(None), {"embedder": "hash", "dimension": 16}, "some words")

    assert len(vector) == 16
    assert sum(each * each for each in vector) == pytest.approx(1)


def test_a_model_server_is_asked_for_the_model_of_the_collection(at):
    with fake_service({"/api/embed": Canned({"embeddings": [[1.0, 0.0, 0.5]]})}) as fake:
        vectors = ask(at(fake.address), OLLAMA, "a", "b")

    assert vectors == [[1.0, 0.0, 0.5]] * 2
    assert {json.loads(asked.body)["model"] for asked in fake.asked} == {"some-model"}


@pytest.mark.parametrize("metadata", [{}, {"embedder": "none"}, {"embedder": "alchemy"}, OLLAMA])
def test_without_what_made_the_vectors_there_is_none(at, metadata):
    with pytest.raises(BeastError):
        ask(at(None), metadata, "x")


def test_after_a_failure_nobody_waits_for_a_while(at):
    now = [0.0]
    embedders = at(None, Clock(monotonic=lambda: now[0]))
    answers = [Canned(b"no", status=400), Canned({"embeddings": [[1.0, 2.0, 3.0]]})]
    with fake_service({"/api/embed": lambda _: answers[min(len(fake.asked), 2) - 1]}) as fake:
        embedders._models_url = fake.address
        with pytest.raises(BeastError) as first:
            ask(embedders, OLLAMA, "x")
        now[0] = REST_SECONDS - 0.1
        with pytest.raises(BeastError) as second:
            ask(embedders, OLLAMA, "x")
        now[0] = REST_SECONDS
        third = ask(embedders, OLLAMA, "x")

    assert second.value is first.value
    assert third == [[1.0, 2.0, 3.0]]
    assert len(fake.asked) == 2


def test_a_model_server_that_hangs_costs_its_deadline_only(at, monkeypatch):
    monkeypatch.setattr(dense, "SECONDS", 0.2)
    with fake_service({"/api/embed": Canned(seconds=30)}) as fake:
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="the model server took longer"):
            ask(at(fake.address), OLLAMA, "x")
        took = time.monotonic() - begun
    time.sleep(0.1)  # the thread that asked comes back, with nobody waiting for it

    assert took < 1


def test_a_model_on_disk_is_found_in_the_folder_of_the_moment(tmp_path):
    tiny_models.embedder(tmp_path / "tiny")
    said = {"embedder": "fastembed", "model": "tiny", "dimension": 8}
    folder = [""]
    embedders = Embedders(
        None, Clock(monotonic=iter([0.0, 99.0, 999.0]).__next__), lambda: folder[0]
    )

    with pytest.raises(BeastError, match="none is set"):
        ask(embedders, said, "cat")
    folder[0] = str(tmp_path)
    (vector,) = ask(embedders, said, "cat")
    embedders.close()

    assert len(vector) == 8


def test_what_stands_before_questions_is_that_of_the_collection(tmp_path):
    tiny_models.embedder(tmp_path / "tiny")
    plain = {"embedder": "fastembed", "model": "tiny", "dimension": 8}
    embedders = Embedders(None, folder=lambda: str(tmp_path))
    asked = {**plain, "prefixes": {"document": "", "query": "query: "}}

    ((with_prefix,), (without,)) = (
        ask(embedders, asked, "cat"),
        ask(embedders, plain, "query : cat"),
    )
    embedders.close()

    assert with_prefix == pytest.approx(without, abs=1e-5)
