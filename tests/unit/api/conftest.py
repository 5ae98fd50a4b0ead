# SPDX-License-Identifier: Apache-2.0
"""One real vector process and one real API on loopback for all tests of this room."""

import json
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from beast_ops import http
from beast_ops.agent.server import Agent
from beast_ops.api import house
from beast_ops.api.app import build
from beast_ops.api.settings import Surroundings
from beast_ops.cards import Health
from beast_ops.place import Place
from beast_ops.testing import Passage, a_service, an_installation, fill, free_port, secrets, serving
from beast_ops.vectors.testing import Server, running

TOKEN, METRICS = "the-token", "the-metrics-token"
PASSAGES = (
    Passage("Rotate the keys of the store once a year.", "/docs/keys.md"),
    Passage("Cats sleep most of the day.", "/docs/sub/cats.pdf", "pdf", page=7),
)


@dataclass(frozen=True)
class Stack:
    """A running API and what it stands on."""

    place: Place
    around: Surroundings
    address: str
    vectors: Server

    def client(self, token=TOKEN, **headers):
        if token:
            headers["authorization"] = f"Bearer {token}"
        return http.client(self.address, headers=headers, seconds=20)


def surroundings(place: Place, vectors: Server, settings: str) -> Surroundings:
    config = place.config / "beast-api"
    config.mkdir(parents=True)
    (config / "settings.json").write_text(settings)
    return Surroundings(
        root=place.root,
        services=place.services,
        data=place.data / "1",
        settings=config / "settings.json",
        secrets=place.secrets / "beast-api",
        vectors_url=vectors.url,
        vectors_key=place.secrets / "beast-api" / "vectors_key",
        models_url=None,
    )


@pytest.fixture(scope="session", autouse=True)
def _figures_come_soon():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house, "FIRST_SECONDS", 0.05)
        patch.setattr(house, "REFRESH_SECONDS", 0.3)
        yield


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("api")
    port = free_port()
    (folder / "notes").mkdir()
    with running(folder / "vectors") as vectors:
        with http.client(vectors.url, headers={"api-key": vectors.key}) as client:
            fill(client, "docs", PASSAGES)
        place = an_installation(
            folder / "root",
            a_service(
                "qdrant",
                vectors.url,
                health=Health(path="/readyz", deep="vectors"),
                secrets=secrets("api_key"),
            ),
            a_service(
                "beast-api",
                f"http://127.0.0.1:{port}",
                health=Health(path="/health/live", deep="api"),
            ),
            secrets={
                "qdrant/api_key": vectors.key,
                "beast-api/token": TOKEN,
                "beast-api/metrics_token": METRICS,
                "beast-api/vectors_key": vectors.key,
            },
        )
        around = surroundings(
            place,
            vectors,
            json.dumps(
                {
                    "port": port,
                    "allowed_hosts": ["beast.example"],
                    "upload_bytes": 3_000_000,
                    "limits": dict.fromkeys(
                        ("per_second", "burst", "default", "search", "ingest"), 100_000
                    ),
                    "folders": {
                        "notes": str(folder / "notes"),
                        "gone": str(folder / "gone"),
                        "home": str(folder),
                        "inside": str(place.data),
                    },
                }
            ),
        )
        with serving(build(around), port) as address:
            yield Stack(place, around, address, vectors)


@pytest.fixture(scope="session")
def client(stack):
    with stack.client() as opened:
        yield opened


@pytest.fixture(scope="session")
def anyone(stack):
    with stack.client(token="") as opened:
        yield opened


class Doing:
    """What the agent was asked to do, and what it answers."""

    def __init__(self):
        self.requests, self.answer = [], None

    def __call__(self, _, request):
        self.requests.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def agent(stack):
    doing = Doing()
    found = Agent(stack.place, doing)
    found.listen()
    serving = threading.Thread(target=found.serve, daemon=True)
    serving.start()
    yield doing
    found.close()
    serving.join(5)
