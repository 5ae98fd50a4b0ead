# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.vectors import indexes
from beast_ops.vectors.config import read_config
from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.update import merged

SMALL = {"size": 2, "distance": "Dot"}


def test_one_vector_is_unnamed_and_several_have_names():
    assert read_config({"vectors": SMALL}).schema.dense == {"": 2}
    assert read_config({"vectors": {"a": SMALL, "size": SMALL}}).schema.dense == {"a": 2, "size": 2}


def test_multivectors_and_sparse_ones_are_told_apart():
    schema = read_config(
        {
            "vectors": {"rows": SMALL | {"multivector_config": {"comparator": "max_sim"}}},
            "sparse_vectors": {"text": {"modifier": "idf", "index": {"on_disk": True}}},
        }
    ).schema

    assert (schema.multi, schema.sparse) == ({"rows"}, {"text"})


def test_everything_that_changes_no_answer_is_taken():
    body = {
        "vectors": SMALL | {"on_disk": True, "datatype": "float16", "memory": "cached"},
        "shard_number": 1,
        "replication_factor": 1,
        "sharding_method": "auto",
        "on_disk_payload": True,
        "hnsw_config": {"m": 0, "payload_m": 16},
        "optimizers_config": {"memmap_threshold": 5, "max_optimization_threads": "auto"},
        "wal_config": {"wal_capacity_mb": 32},
        "strict_mode_config": {"enabled": False},
        "metadata": {"a": 1},
    }

    assert read_config(body).body == body


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"vectors": {}}, "without vectors"),
        ({"vectors": {"size": 2}}, "missing field `distance`"),
        ({"vectors": {"a": {"distance": "Dot"}}}, "missing field `size`"),
        ({"vectors": SMALL | {"size": 65537}}, "65536"),
        ({"vectors": SMALL | {"datatype": "float8"}}, "float8"),
        ({"vectors": {"a": SMALL}, "sparse_vectors": {"a": {}}}, "'a' is used"),
        ({"sparse_vectors": {"a": {"modifier": "tf"}}}, "tf"),
        ({"quantization_config": {}}, "0 ways"),
        ({"quantization_config": {"turbo": {}}}, "turbo"),
        ({"quantization_config": {"scalar": {"type": "int4"}}}, "int4"),
        ({"optimizers_config": {"prevent_unoptimized": True}}, "prevent_unoptimized"),
        ({"optimizers_config": {"max_optimization_threads": "all"}}, "max_optimization_threads"),
        ({"payload": {"memory": "tape"}}, "tape"),
        ({"wal_config": {"x": 1}}, "unknown field `x`"),
    ],
)
def test_what_is_wrong_or_impossible_is_refused(change, complaint):
    with pytest.raises(RefusedError, match=complaint):
        read_config({"vectors": SMALL} | change)


def test_changes_are_merged_into_what_was_said():
    config = {"vectors": SMALL, "hnsw_config": {"m": 8}, "metadata": {"a": 1, "b": 2}}
    change = {
        "hnsw_config": {"ef_construct": 64, "m": None},
        "vectors": {"": {"on_disk": True}},
        "params": {"on_disk_payload": False, "replication_factor": 1},
        "quantization_config": "Disabled",
        "metadata": {"b": 3},
    }

    assert merged(config, change) == {
        "vectors": SMALL | {"on_disk": True},
        "hnsw_config": {"m": 8, "ef_construct": 64},
        "on_disk_payload": False,
        "quantization_config": None,
        "metadata": {"a": 1, "b": 3},
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"vectors": {"": {"size": 3}}}, "size"),
        ({"vectors": {"nope": {}}}, "nope"),
        ({"sparse_vectors": {"nope": {}}}, "nope"),
        ({"params": {"replication_factor": 2}}, "replication_factor"),
        ({"params": {"x": 2}}, "unknown field `x`"),
        ({"strict_mode_config": {"enabled": True}}, "strict mode"),
        ({"x": 1}, "unknown field `x`"),
    ],
)
def test_what_cannot_change_is_refused(change, complaint):
    with pytest.raises(RefusedError, match=complaint):
        merged({"vectors": SMALL}, change)


@pytest.mark.parametrize("kind", list(indexes.TYPES))
def test_every_index_is_read_by_name_and_with_parameters(kind):
    assert indexes.read_schema(kind, "s") is not None
    assert indexes.read_schema({"type": kind, "on_disk": True}, "s") is not None


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ("hologram", "hologram"),
        ({"type": "keyword", "lookup": True}, "unknown field `lookup`"),
        ({"type": "text", "tokenizer": "teeth"}, "teeth"),
        ({"type": "text", "stopwords": "klingon"}, "klingon"),
        ({"type": "text", "stemmer": {"type": "snowball", "language": "klingon"}}, "klingon"),
        ({"type": "text", "stemmer": {"type": "axe"}}, "axe"),
        ({}, "missing field `type`"),
    ],
)
def test_a_wrong_index_is_refused(schema, complaint):
    with pytest.raises(RefusedError, match=complaint):
        indexes.read_schema(schema, "field_schema")


def test_stopwords_and_stemmers_are_read():
    schema = {
        "type": "text",
        "stopwords": {"languages": ["english"], "custom": ["beast"]},
        "stemmer": {"type": "none"},
    }

    assert indexes.read_schema(schema, "s") is not None


def test_an_index_on_a_broken_path_is_refused():
    with pytest.raises(RefusedError, match="field_name"):
        indexes.operation("a[", "keyword")
