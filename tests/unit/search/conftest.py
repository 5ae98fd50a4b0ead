# SPDX-License-Identifier: Apache-2.0
"""One real vector process with two small collections for all tests of this room."""

import asyncio

import pytest

from beast_ops import http
from beast_ops.search.hybrid import Searcher
from beast_ops.search.store import open_store
from beast_ops.testing import Passage, fill
from beast_ops.vectors.testing import running

KEYS = Passage("Rotate the keys of the store once a year.", "/docs/keys.md", dense=(1, 0, 0))
CATS = Passage(
    "Cats sleep most of the day.", "/docs/sub/cats.pdf", "pdf", (0, 1, 0), 7, author="Ada"
)
DOGS = Passage("Dogs bark at night.", "/other/dogs.md", dense=(0, 0.9, 0.1))


@pytest.fixture(scope="session")
def vectors(tmp_path_factory):
    with running(tmp_path_factory.mktemp("vectors")) as server:
        with http.client(server.url, headers={"api-key": server.key}) as client:
            fill(client, "docs", (KEYS, CATS, DOGS))
            fill(client, "words", tuple(Passage(each.text, each.path) for each in (KEYS, CATS)))
            body = {
                "vectors": {"dense": {"size": 2, "distance": "Cosine"}},
                "metadata": {"model": "test"},
            }
            client.put("/collections/meaning", json=body).raise_for_status()
            points = {"points": [{"id": 1, "vector": {"dense": [1, 0]}, "payload": {"path": "/a"}}]}
            client.put("/collections/meaning/points?wait=true", json=points).raise_for_status()
        key = server.folder / "secrets" / "api_key"
        yield server.url, key


@pytest.fixture
def ask(vectors):
    """Search with an embedder of the test's choice."""

    def asking(query, options, embed):
        async def go():
            async with open_store(*vectors) as store:
                return await Searcher(store, embed).search(query, options)

        return asyncio.run(go())

    return asking
