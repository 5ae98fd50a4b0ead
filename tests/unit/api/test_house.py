# SPDX-License-Identifier: Apache-2.0
import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from beast_ops import http
from beast_ops.api import house
from beast_ops.cards import Health
from beast_ops.errors import CardError, UnavailableError
from beast_ops.testing import a_service


class Store:
    """A store that takes its time."""

    async def ready(self):
        await asyncio.sleep(60)


class Services:
    def get(self):
        return ()


class NoServices:
    def get(self):
        raise CardError("cannot read the services")


def test_a_store_that_hangs_makes_us_not_ready_in_time(monkeypatch):
    monkeypatch.setattr(house, "READY_DEADLINE", 0.01)

    with pytest.raises(UnavailableError, match="in time"):
        asyncio.run(house._ready(Store(), Services()))


def test_services_nobody_can_read_make_us_not_ready():
    with pytest.raises(UnavailableError, match="cannot read the services"):
        asyncio.run(house._ready(Store(), NoServices()))


def test_only_the_vector_store_is_shown_our_key(stack, tmp_path):
    key = house._keys(stack.around)
    without = house._keys(replace(stack.around, vectors_key=None))
    unreadable = house._keys(replace(stack.around, vectors_key=tmp_path / "nope"))
    vectors = a_service("q", health=Health(deep="vectors"))

    assert stack.vectors.key == key(vectors)
    assert key(a_service("ollama", health=Health(deep="models"))) is None
    assert without(vectors) is None
    assert unreadable(vectors) is None


def test_what_stands_before_the_model_server_is_shown_its_own_token(stack, tmp_path):
    (tmp_path / "models_token").write_text("for-models")
    url = http.Guarded("http://gateway:1", tmp_path / "models_token")
    key = house._keys(replace(stack.around, models_url=url))

    assert "for-models" == key(a_service("ollama", health=Health(deep="models")))
    assert stack.vectors.key == key(a_service("q", health=Health(deep="vectors")))
    assert key(a_service("w", health=Health(deep="webui"))) is None


def test_nobody_knows_how_many_documents_before_the_first_ingestion():
    assert house.documents(Path("/nowhere"), "docs--1") is None
