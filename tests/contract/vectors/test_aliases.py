# SPDX-License-Identifier: Apache-2.0
"""Aliases: other names of collections, changed together or not at all."""

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse


def create(collection, alias):
    return models.CreateAliasOperation(
        create_alias=models.CreateAlias(collection_name=collection, alias_name=alias)
    )


def delete(alias):
    return models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))


def rename(old, new):
    return models.RenameAliasOperation(
        rename_alias=models.RenameAlias(old_alias_name=old, new_alias_name=new)
    )


@pytest.fixture
def pair(client, name):
    """Lend two collections that hold one point each, its id telling which."""
    names = [f"{name}--1", f"{name}--2"]
    for n, each in enumerate(names, 1):
        client.create_collection(each, models.VectorParams(size=2, distance="Dot"))
        client.upsert(each, [models.PointStruct(id=n, vector=[1, 1])])
    yield names
    for each in names:
        client.delete_collection(each)


def ids(client, name):
    return [each.id for each in client.scroll(name)[0]]


def test_an_alias_stands_for_its_collection(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    found = (
        ids(client, name),
        client.count(name).count,
        client.collection_exists(name),
        client.query_points(name, query=[1, 1]).points[0].id,
        client.get_collection(name).points_count,
    )

    assert found == ([1], 1, True, 1, 1)


def test_writing_through_an_alias_writes_to_the_collection(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    client.upsert(name, [models.PointStruct(id=7, vector=[1, 1])])

    assert ids(client, pair[0]) == [1, 7]


def test_aliases_are_listed(client, name, pair):
    client.update_collection_aliases([create(pair[0], name), create(pair[1], f"{name}-b")])

    everywhere = {(a.alias_name, a.collection_name) for a in client.get_aliases().aliases}
    of_one = client.get_collection_aliases(pair[1]).aliases

    assert {(name, pair[0]), (f"{name}-b", pair[1])} <= everywhere
    assert [(a.alias_name, a.collection_name) for a in of_one] == [(f"{name}-b", pair[1])]


def test_an_alias_is_not_a_collection_of_its_own(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    assert name not in {each.name for each in client.get_collections().collections}


def test_switching_is_one_step(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    client.update_collection_aliases([delete(name), create(pair[1], name)])

    assert ids(client, name) == [2]


def test_renaming_moves_the_name(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    client.update_collection_aliases([rename(name, f"{name}-new")])

    assert ids(client, f"{name}-new") == [1]
    assert not client.collection_exists(name)


def test_an_alias_named_like_a_collection_is_refused(client, pair):
    with pytest.raises(UnexpectedResponse) as refused:
        client.update_collection_aliases([create(pair[0], pair[1])])

    assert refused.value.status_code in {400, 409}
    assert ids(client, pair[1]) == [2]


def test_a_collection_named_like_an_alias_is_refused(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    with pytest.raises(UnexpectedResponse, match=r"[Aa]lias"):
        client.create_collection(name, models.VectorParams(size=2, distance="Dot"))


def test_an_alias_of_nothing_is_refused(client, name):
    with pytest.raises(UnexpectedResponse) as refused:
        client.update_collection_aliases([create(f"{name}-nothing", name)])

    assert refused.value.status_code == 404


def test_renaming_what_is_not_there_is_refused(client, name):
    with pytest.raises(UnexpectedResponse) as refused:
        client.update_collection_aliases([rename(name, f"{name}-new")])

    assert refused.value.status_code == 404


def test_deleting_a_collection_deletes_its_aliases(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    client.delete_collection(pair[0])

    assert not client.collection_exists(name)
    assert name not in {each.alias_name for each in client.get_aliases().aliases}


def test_deleting_through_an_alias_deletes_nothing(client, name, pair):
    client.update_collection_aliases([create(pair[0], name)])

    client.delete_collection(name)

    assert client.collection_exists(pair[0])
