# SPDX-License-Identifier: Apache-2.0
"""The verb: from the store of an installation into its Open WebUI."""

import json

import pytest

from beast_ops import http
from beast_ops.cards import Health
from beast_ops.door.asking import mirror
from beast_ops.errors import MissingError, ServiceError
from beast_ops.testing import Passage, a_service, an_installation, fill, secrets
from beast_ops.vectors.testing import running

from .double import webui

PASSAGES = (Passage("One.", "/a.md"), Passage("bad", "/b.md"))


@pytest.fixture(scope="module")
def vectors(tmp_path_factory):
    with running(tmp_path_factory.mktemp("vectors")) as server:
        with http.client(server.url, headers={"api-key": server.key}) as client:
            fill(client, "docs", PASSAGES)
        yield server


@pytest.fixture
def there():
    with webui() as double:
        yield double


def install(folder, vectors, there, said="right"):
    store = a_service(
        "qdrant", vectors.url, health=Health(deep="vectors"), secrets=secrets("api_key")
    )
    chat = a_service("open-webui", there.url, health=Health(deep="webui"))
    return an_installation(
        folder / "root",
        *(store, chat),
        secrets={
            "qdrant/api_key": vectors.key,
            "open-webui/admin_password": said,
            "open-webui/admin_email": "a@b.c",
        },
    )


def test_what_was_done_is_told(tmp_path, vectors, there, capsys):
    place = install(tmp_path, vectors, there)

    assert 0 == mirror(place, "docs", "Papers", json=False)
    assert "Papers in Open WebUI: 2 new, 0 changed, 0 removed, 0 as before.\n" == (
        capsys.readouterr().out
    )
    assert 0 == mirror(place, "docs", "Papers", json=True)
    told = json.loads(capsys.readouterr().out)
    assert {"new": 0, "changed": 0, "removed": 0, "same": 2, "failed": {}} == told


def test_what_failed_is_named_and_is_a_failure(tmp_path, vectors, there, capsys):
    place = install(tmp_path, vectors, there)
    there.unreadable = ("bad",)

    assert 1 == mirror(place, "docs", "Papers", json=False)
    out = capsys.readouterr().out
    assert "  failed: file://host/b.md: Open WebUI cannot read it: no text in it\n" in out
    assert "1 new" in out


def test_a_login_that_is_refused_is_told(tmp_path, vectors, there):
    with pytest.raises(ServiceError, match="administrator's password"):
        mirror(install(tmp_path, vectors, there, "wrong"), "docs", "Papers", json=False)


def test_without_open_webui_or_a_store_there_is_nothing_to_mirror(tmp_path, there):
    with pytest.raises(MissingError, match="no Open WebUI"):
        mirror(an_installation(tmp_path / "a"), "docs", "Papers", json=False)
    alone = a_service("open-webui", there.url, health=Health(deep="webui"))
    with pytest.raises(MissingError, match="no vector store"):
        mirror(an_installation(tmp_path / "b", alone), "docs", "Papers", json=False)
