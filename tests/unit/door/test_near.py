# SPDX-License-Identifier: Apache-2.0
"""Similar requests are found by the embedder that the worker's settings name."""

import asyncio
import json

import pytest

from beast_ops.door.caches import NEAR
from beast_ops.door.near import embedder, opened
from beast_ops.errors import NotDeployedError, SettingsError
from beast_ops.llm.hashing import HashEmbedder
from beast_ops.llm.testing import EMBEDS, fake_ollama
from beast_ops.place import Place
from beast_ops.testing import a_service, an_installation, free_port

NOBODY = "http://127.0.0.1:1"


def installed(root, **settings):
    """Return an installation whose worker has these settings."""
    place = an_installation(root, a_service("beast-worker", config="beast-worker/1"))
    folder = place.config / "beast-worker/1"
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    return place


def test_the_embedder_of_the_worker_finds_what_is_similar(tmp_path):
    place = installed(tmp_path, embedder="hash", embed_model="hash-64")

    async def main(similar):
        first = await similar.ask([], "What is the capital of France?")
        first.keep("answer")
        return (await similar.ask([], "Please, what is the capital of France")).found

    with opened(place, NOBODY, 0.9) as similar:
        found = asyncio.run(main(similar))

    assert "answer" == found.text
    assert (place.cache / NEAR).is_file()


def test_a_worker_without_settings_has_the_usual_ones(tmp_path):
    place = an_installation(tmp_path, a_service("beast-worker"))
    with fake_ollama() as ollama:
        made = embedder(place, ollama.url)
        assert ("ollama", 64) == (made.name, len(made.embed_query("a")))
        made.close()

        assert EMBEDS.startswith(made.model)


@pytest.mark.parametrize("settings", [{"embedder": "none"}, {"embedder": "auto"}])
def test_without_an_embedder_it_says_what_to_do(tmp_path, settings):
    place = installed(tmp_path, **settings)

    with pytest.raises(SettingsError, match="nothing that makes any") as refused:
        embedder(place, f"http://127.0.0.1:{free_port()}")

    assert "leave --similar out" in refused.value.hint


def test_without_an_installation_there_is_none(tmp_path):
    with pytest.raises(NotDeployedError):
        embedder(Place(tmp_path), NOBODY)


def test_an_embedder_that_asks_nobody_can_be_closed():
    HashEmbedder(64).close()
