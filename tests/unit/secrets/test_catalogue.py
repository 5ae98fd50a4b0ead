# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops import keys
from beast_ops.errors import BeastError, MissingError, NotDeployedError
from beast_ops.place import Place
from beast_ops.secrets.catalogue import entries, find, value

from .conftest import derived


def test_every_secret_is_listed_with_who_reads_it_and_without_its_value(install, qdrant):
    place = install(qdrant)
    keys.rotate(place.secrets, "qdrant/api_key")

    found = [entry.as_dict() for entry in entries(place)]

    plain = {"rotate": "restart", "given": False, "readers": ["qdrant"]}
    assert [
        {"name": "qdrant/api_key", **plain, "version": 2},
        {"name": "qdrant/read_only_key", **plain, "version": 1},
    ] == found


def test_a_value_is_that_of_the_version_in_force(install, qdrant):
    place = install(qdrant)
    first = value(place, find(place, "qdrant/api_key"))

    keys.rotate(place.secrets, "qdrant/api_key")

    assert derived("qdrant/api_key", 1) == first
    assert derived("qdrant/api_key", 2) == value(place, find(place, "qdrant/api_key"))


def test_a_given_one_is_what_was_given(install, webui):
    place = install(webui)
    entry = find(place, "open-webui/mail_password")
    with pytest.raises(BeastError, match="cannot read a secret"):
        value(place, entry)

    keys.keep_given(place.secrets, entry.name, "hunter2")

    assert "hunter2" == value(place, entry)


def test_one_that_is_not_there_is_answered_with_those_that_are(install, qdrant):
    with pytest.raises(MissingError, match="no such secret") as missing:
        find(install(qdrant), "qdrant/apikey")

    assert "There are: qdrant/api_key, qdrant/read_only_key" == missing.value.hint


def test_without_an_installation_there_are_none(tmp_path):
    with pytest.raises(NotDeployedError):
        entries(Place(tmp_path))
