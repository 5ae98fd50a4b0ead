# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from beast_ops.cards import Health
from beast_ops.errors import MissingError, UsageError
from beast_ops.search.client import search
from beast_ops.search.model import SearchOptions
from beast_ops.testing import Canned, a_service, an_installation, fake_service

ANSWER = {"query": "q", "collection": "docs", "hits": [], "took_ms": 1.0, "mode": "lexical"}


@pytest.fixture
def api(tmp_path):
    """An API that answers every search alike; give what it was asked and where it is."""
    with fake_service({"/search": Canned(ANSWER)}) as fake:
        service = a_service("beast-api", fake.address, health=Health(deep="api"))
        yield fake, an_installation(tmp_path / "root", service, secrets={"beast-api/token": "t"})


def asked(fake):
    return json.loads(fake.asked[-1].body)


def test_a_search_goes_through_the_api(api):
    fake, place = api

    assert ANSWER == search(place, " keys ", SearchOptions(limit=3, type="pdf"))
    assert asked(fake) == {"query": "keys", "collection": "docs", "limit": 3, "type": "pdf"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("/a/b", "/a/b"),
        ("/a/../b/", "/b"),
        ("notes", "{cwd}/notes"),
        ("./notes/*.md", "{cwd}/notes/*.md"),
        ("~/x", "{home}/x"),
        ("*.md", "*.md"),
        ("file://host/a%20b", "file://host/a%20b"),
    ],
)
def test_paths_are_sent_as_the_store_knows_them(api, tmp_path, monkeypatch, source, expected):
    fake, place = api
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")

    search(place, "q", SearchOptions(source=source))

    assert expected.format(cwd=tmp_path, home="/home/me") == asked(fake)["source"]


def test_a_bad_query_is_refused_before_anything_is_sent(api):
    fake, place = api

    with pytest.raises(UsageError, match="empty"):
        search(place, "\x00 ", SearchOptions())

    assert fake.asked == []


def test_a_missing_collection_is_told_in_the_words_of_the_api(tmp_path):
    error = {"error": {"code": "not_found", "message": "no such collection", "hint": "Ingest."}}
    with fake_service({"/search": Canned(error, status=404)}) as fake:
        service = a_service("beast-api", fake.address, health=Health(deep="api"))
        place = an_installation(tmp_path, service, secrets={"beast-api/token": "t"})

        with pytest.raises(MissingError, match="no such collection"):
            search(place, "q", SearchOptions(collection="x"))


def test_a_second_look_is_asked_for_and_otherwise_goes_unsaid(api):
    fake, place = api

    search(place, "q", SearchOptions(rerank=True))
    assert asked(fake)["rerank"] is True
    search(place, "q", SearchOptions())
    assert "rerank" not in asked(fake)
