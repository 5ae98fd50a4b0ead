# SPDX-License-Identifier: Apache-2.0
"""Collections: made, described, changed, removed."""

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

COSINE = models.Distance.COSINE
SMALL = models.VectorParams(size=2, distance=COSINE)


def test_a_new_collection_is_there_and_listed(client, plain):
    there = client.collection_exists(plain)
    names = {each.name for each in client.get_collections().collections}

    assert there
    assert plain in names


def test_a_name_nobody_has_is_not_there(client, name):
    assert not client.collection_exists(name)


def test_the_description_repeats_the_configuration(client, docs):
    params = client.get_collection(docs).config.params

    assert params.vectors == {"dense": models.VectorParams(size=4, distance=COSINE)}
    assert params.sparse_vectors["text"].modifier == models.Modifier.IDF


def test_metadata_is_kept(client, name):
    metadata = {"embedder": "hash", "dimension": 4, "nested": {"a": [1, None]}}
    client.create_collection(name, SMALL, metadata=metadata)

    assert client.get_collection(name).config.metadata == metadata


def test_metadata_is_merged_by_an_update(client, name):
    client.create_collection(name, SMALL, metadata={"a": 1, "b": 2})

    client.update_collection(name, metadata={"b": 3, "c": 4})

    assert client.get_collection(name).config.metadata == {"a": 1, "b": 3, "c": 4}


def test_a_graph_can_be_tuned_at_creation_and_later(client, name):
    client.create_collection(
        name,
        vectors_config=models.VectorParams(size=2, distance=COSINE, on_disk=True),
        hnsw_config=models.HnswConfigDiff(m=8),
    )
    client.upsert(name, [models.PointStruct(id=1, vector=[1, 2])])

    client.update_collection(name, hnsw_config=models.HnswConfigDiff(ef_construct=64))
    graph = client.get_collection(name).config.hnsw_config

    assert (graph.m, graph.ef_construct) == (8, 64)
    assert client.count(name).count == 1


@pytest.mark.parametrize("distance", list(models.Distance))
def test_every_distance_is_offered(client, name, distance):
    client.create_collection(name, models.VectorParams(size=2, distance=distance))
    client.upsert(name, [models.PointStruct(id=n, vector=[n, 1]) for n in (1, 2, 9)])

    best = client.query_points(name, query=[9, 1], limit=1).points[0]

    assert best.id == 9


@pytest.mark.parametrize(
    "quantization",
    [
        models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type="int8")),
        models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
        models.ProductQuantization(
            product=models.ProductQuantizationConfig(compression=models.CompressionRatio.X4)
        ),
    ],
    ids=["scalar", "binary", "product"],
)
def test_vectors_may_be_quantized(client, name, quantization):
    client.create_collection(
        name, models.VectorParams(size=8, distance=COSINE), quantization_config=quantization
    )

    assert client.get_collection(name).config.quantization_config == quantization


def test_creating_twice_is_a_conflict(client, plain):
    with pytest.raises(UnexpectedResponse) as refused:
        client.create_collection(plain, SMALL)

    assert refused.value.status_code == 409
    assert "already exists" in str(refused.value)


def test_deleting_tells_whether_it_was_there(client, plain):
    first, second = client.delete_collection(plain), client.delete_collection(plain)

    assert (first, second) == (True, False)


def test_a_deleted_collection_comes_back_empty(client, plain):
    client.upsert(plain, [models.PointStruct(id=1, vector=[1, 2])])
    client.delete_collection(plain)

    client.create_collection(plain, models.VectorParams(size=3, distance=COSINE))

    assert client.count(plain).count == 0


def test_what_is_not_there_is_not_found(client, name):
    calls = [
        lambda: client.get_collection(name),
        lambda: client.count(name),
        lambda: client.scroll(name),
        lambda: client.query_points(name, query=[1.0]),
        lambda: client.upsert(name, [models.PointStruct(id=1, vector=[1])]),
    ]

    codes = set()
    for call in calls:
        with pytest.raises(UnexpectedResponse, match="Not found: Collection") as refused:
            call()
        codes.add(refused.value.status_code)

    assert codes == {404}


@pytest.mark.parametrize("bad", ["a/b", "a:b", 'a"b', "a*b", "a" * 300])
def test_impossible_names_are_refused(client, bad):
    with pytest.raises(UnexpectedResponse) as refused:
        client.create_collection(bad, SMALL)

    assert refused.value.status_code in {400, 404, 422}


@pytest.mark.parametrize("good", ["with space", "größe", "100%", "a.b", "名"])
def test_unusual_names_are_fine(client, name, good):
    unusual = f"{name} {good}"
    client.create_collection(unusual, models.VectorParams(size=2, distance=COSINE))

    there, gone = client.collection_exists(unusual), client.delete_collection(unusual)

    assert (there, gone) == (True, True)


def test_payload_indexes_are_described_and_dropped(client, plain):
    client.create_payload_index(plain, "source", models.PayloadSchemaType.KEYWORD)
    client.create_payload_index(
        plain, "page", models.IntegerIndexParams(type="integer", lookup=True, range=True)
    )
    before = client.get_collection(plain).payload_schema
    client.delete_payload_index(plain, "page")
    after = client.get_collection(plain).payload_schema

    assert {name: each.data_type.value for name, each in before.items()} == {
        "source": "keyword",
        "page": "integer",
    }
    assert set(after) == {"source"}


@pytest.mark.parametrize("kind", [each.value for each in models.PayloadSchemaType])
def test_every_kind_of_payload_index_is_offered(client, plain, kind):
    client.create_payload_index(plain, "field", kind)

    assert client.get_collection(plain).payload_schema["field"].data_type.value == kind


def test_a_text_index_takes_its_parameters(client, plain):
    schema = models.TextIndexParams(
        type="text",
        tokenizer=models.TokenizerType.WORD,
        min_token_len=2,
        lowercase=True,
        phrase_matching=True,
        stopwords=models.Language.ENGLISH,
        stemmer=models.SnowballParams(type="snowball", language="english"),
    )

    client.create_payload_index(plain, "text", schema)

    assert client.get_collection(plain).payload_schema["text"].params == schema
