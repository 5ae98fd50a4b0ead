# SPDX-License-Identifier: Apache-2.0
"""A real API and vector process with a model server that is a double, for the verb."""

import json

import pytest

from beast_ops import http
from beast_ops.api.app import build
from beast_ops.api.settings import Surroundings
from beast_ops.cards import Health
from beast_ops.llm.testing import fake_ollama
from beast_ops.testing import Passage, a_service, an_installation, fill, free_port, secrets, serving
from beast_ops.vectors.testing import running

PASSAGES = (
    Passage("Rotate the keys of the store once a year.", "/docs/keys.md"),
    Passage("Cats sleep most of the day.", "/docs/cats.pdf", "pdf", page=7),
)


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Return a place whose API answers, and the model server behind it."""
    folder, port = tmp_path_factory.mktemp("chat"), free_port()
    with running(folder / "vectors") as vectors, fake_ollama() as ollama:
        with http.client(vectors.url, headers={"api-key": vectors.key}) as client:
            fill(client, "docs", PASSAGES)
        api = a_service("beast-api", f"http://127.0.0.1:{port}", health=Health(deep="api"))
        store = a_service(
            "qdrant", vectors.url, health=Health(deep="vectors"), secrets=secrets("api_key")
        )
        kept = {"token": "t", "metrics_token": "m", "vectors_key": vectors.key}
        place = an_installation(
            folder / "root",
            store,
            api,
            secrets={
                "qdrant/api_key": vectors.key,
                **{f"beast-api/{name}": value for name, value in kept.items()},
            },
        )
        place.config.mkdir()
        (place.config / "settings.json").write_text(json.dumps({"port": port}))
        around = Surroundings(
            root=place.root,
            services=place.services,
            data=place.data / "1",
            settings=place.config / "settings.json",
            secrets=place.secrets / "beast-api",
            vectors_url=vectors.url,
            vectors_key=place.secrets / "beast-api/vectors_key",
            models_url=ollama.url,
        )
        with serving(build(around), port):
            yield place, ollama
