# SPDX-License-Identifier: Apache-2.0
"""One suite for two servers: ours, started for real, or the one `QDRANT_URL` names."""

import os
import uuid
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx
import pytest
from qdrant_client import QdrantClient, models

from beast_ops.vectors.testing import Server, running

FOREIGN = os.environ.get("QDRANT_URL")
SECONDS = 30


@dataclass(frozen=True)
class Place:
    """Where to knock, and with which key."""

    url: str
    key: str | None


def connect(url: str, key: str | None, *, check: bool = True) -> QdrantClient:
    with warnings.catch_warnings():  # a key over plain HTTP is as intended: the address is loopback
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection")
        return QdrantClient(url=url, api_key=key, timeout=SECONDS, check_compatibility=check)


@pytest.fixture(scope="session")
def ours(tmp_path_factory) -> Iterator[Server | None]:
    if FOREIGN:
        yield None
        return
    with running(tmp_path_factory.mktemp("vectors")) as server:
        yield server


@pytest.fixture(scope="session")
def place(ours) -> Place:
    if ours is None:
        return Place(str(FOREIGN), os.environ.get("QDRANT_API_KEY"))
    return Place(ours.url, ours.key)


@pytest.fixture(scope="session")
def client(place) -> Iterator[QdrantClient]:
    found = connect(place.url, place.key)
    yield found
    found.close()


@pytest.fixture(scope="session")
def http(place) -> Iterator[httpx.Client]:
    """Lend the wire itself, for what the client would not send."""
    headers = {"api-key": place.key} if place.key else {}
    with httpx.Client(base_url=place.url, headers=headers, timeout=SECONDS) as wire:
        yield wire


@pytest.fixture
def ours_only(ours) -> Server:
    """Skip on a server that is not ours."""
    if ours is None:
        pytest.skip("the wording, the keys and what is missing are ours")
    return ours


@pytest.fixture
def name(client) -> Iterator[str]:
    """Lend a name that no collection has; the collection of that name is removed afterwards."""
    lent = f"test-{uuid.uuid4().hex}"
    yield lent
    client.delete_collection(lent)


@pytest.fixture
def docs(client, name) -> str:
    """Lend a collection with a dense and a sparse vector, like that of documents."""
    client.create_collection(
        name,
        vectors_config={"dense": models.VectorParams(size=4, distance=models.Distance.COSINE)},
        sparse_vectors_config={"text": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    return name


@pytest.fixture
def plain(client, name) -> str:
    """Lend a collection with one unnamed vector, compared by dot product."""
    client.create_collection(
        name, vectors_config=models.VectorParams(size=2, distance=models.Distance.DOT)
    )
    return name


@pytest.fixture
def own(tmp_path) -> Iterator[Server]:
    """Run a server for this test alone, which may be killed; only ours can be."""
    if FOREIGN:
        pytest.skip("a server that is not ours is neither killed nor restarted")
    with running(tmp_path / "own") as server:
        yield server


@pytest.fixture
def dial() -> Callable[[Server], QdrantClient]:
    """Lend a way to connect; no check in the background, which a kill would catch unawares."""
    return lambda server: connect(server.url, server.key, check=False)
