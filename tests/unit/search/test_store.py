# SPDX-License-Identifier: Apache-2.0
import asyncio

import pytest

from beast_ops.clock import Clock
from beast_ops.errors import BeastError, MissingError, ServiceError, UnavailableError
from beast_ops.search.store import FRESH_SECONDS, Store, Wanted, open_store
from beast_ops.testing import Canned, fake_service, free_port


def through(url, act, key=None):
    async def go():
        async with open_store(url, key) as store:
            return await act(store)

    return asyncio.run(go())


def test_names_are_aliases_and_what_has_none(vectors):
    assert through(vectors[0], Store.names, vectors[1]) == ["docs", "meaning", "words"]


def test_a_shape_tells_what_a_search_must_know(vectors):
    async def both(store):
        return await store.shape("docs"), await store.shape("words")

    docs, words = through(vectors[0], both, vectors[1])

    assert (docs.points, docs.dense, docs.sparse) == (3, True, True)
    assert (words.points, words.dense, words.sparse) == (2, False, True)
    assert docs.metadata["embedder"] == "test"


def test_a_shape_is_kept_for_a_moment(vectors):
    now = [100.0]

    async def thrice(store):
        watched = Store(store._client, store._http, Clock(monotonic=lambda: now[0]))
        first = await watched.shape("docs")
        now[0] += FRESH_SECONDS - 0.1
        second = await watched.shape("docs")
        now[0] += 0.1
        third = await watched.shape("docs")
        return first, second, third

    first, second, third = through(vectors[0], thrice, vectors[1])

    assert first is second
    assert first is not third


def test_a_store_that_is_not_there_is_unavailable():
    with pytest.raises(UnavailableError, match="does not answer"):
        through(f"http://127.0.0.1:{free_port()}", Store.ready)


def test_a_wrong_key_is_refused_by_the_store(vectors):
    with pytest.raises(ServiceError, match="answered 40"):
        through(vectors[0], Store.ready)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_store_that_is_not_ready_is_unavailable(status):
    answers = {"/collections/docs/points/query": Canned(b"busy", status=status)}
    with (
        fake_service(answers) as fake,
        pytest.raises(UnavailableError, match="not ready"),
    ):
        through(fake.address, lambda store: store.query("docs", Wanted((1.0,), None, None, 1)))


def test_a_key_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(BeastError, match="cannot read a secret"):
        through("http://127.0.0.1:1", Store.ready, tmp_path / "nope")


def test_no_proxy_stands_between_us_and_the_store(vectors, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")

    assert through(vectors[0], Store.names, vectors[1])


def test_what_is_behind_an_alias_is_told_and_nothing_is_behind_none(vectors):
    async def both(store):
        return await store.physical("docs"), await store.physical("new")

    assert through(vectors[0], both, vectors[1]) == ("docs--1", "")


def test_a_query_nobody_answers_is_unavailable():
    with pytest.raises(UnavailableError, match="does not answer"):
        through(
            f"http://127.0.0.1:{free_port()}",
            lambda store: store.query("docs", Wanted((1.0,), None, None, 1)),
        )


def test_a_collection_that_went_away_is_missing(vectors):
    with pytest.raises(MissingError, match="no such collection"):
        through(
            vectors[0],
            lambda store: store.query("gone/../x", Wanted((1.0,), None, None, 1)),
            vectors[1],
        )
