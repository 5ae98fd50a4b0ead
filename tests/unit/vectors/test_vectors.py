# SPDX-License-Identifier: Apache-2.0
import math
import struct

import pytest

from beast_ops.vectors import vectors
from beast_ops.vectors.config import Schema
from beast_ops.vectors.errors import RefusedError

SCHEMA = Schema({"": 2, "dense": 3, "rows": 2}, frozenset({"rows"}), frozenset({"text"}))
LARGEST = struct.unpack("<f", bytes.fromhex("ffff7f7f"))[0]  # of 32-bit floating point
SPARSE = {"indices": [3, 1], "values": [0.5, 2]}


def test_a_bare_list_is_the_unnamed_vector():
    assert vectors.named([1, 2.5], SCHEMA, "v") == {"": [1, 2.5]}


def test_names_choose_kind_and_length():
    found = vectors.named({"dense": [1, 2, 3], "text": SPARSE}, SCHEMA, "v")

    assert found["dense"] == [1, 2, 3]
    assert (found["text"].indices, found["text"].values) == ([3, 1], [0.5, 2.0])


def test_several_rows_are_a_multivector_and_one_row_is_one_of_them():
    assert vectors.one([[1, 2], [3, 4]], "rows", SCHEMA, "v") == [[1, 2], [3, 4]]
    assert vectors.one([1, 2], "rows", SCHEMA, "v") == [[1, 2]]


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ([1], "expected dim: 2, got 1"),
        ([1, None], "expected numbers"),
        ([True, False], "expected numbers"),
        ([1, "2"], "expected numbers"),
        ([1, 1e39], "32-bit"),
        ([-1e39, 1], "32-bit"),
        ([1, 10**400], "32-bit"),
        ([1, 10**39], "32-bit"),
        ({"nope": [1]}, "Not existing vector name error: nope"),
        ({"dense": SPARSE}, "sparse and regular"),
        ({"text": [1, 2]}, "sparse and regular"),
        ({"text": {"indices": [1, 1], "values": [1, 1]}}, "must be unique"),
        ({"text": {"indices": [1], "values": [1, 1]}}, "same length"),
        ({"text": {"indices": [-1], "values": [1]}}, "32 bits"),
        ({"text": {"indices": [2**32], "values": [1]}}, "32 bits"),
        ({"text": {"indices": [1.0], "values": [1]}}, "unsigned integers"),
        ({"text": {"indices": [1], "values": [1], "x": 1}}, "unknown field `x`"),
        ({"rows": []}, "empty"),
        ({"rows": [[1]]}, "expected dim"),
        ({"text": "words", "model": "bm25"}, "inference"),
        ({"dense": {"text": "words", "model": "m"}}, "inference"),
        ("words", "expected a list"),
    ],
)
def test_what_does_not_fit_is_refused(value, complaint):
    with pytest.raises(RefusedError, match=complaint):
        vectors.named(value, SCHEMA, "v")


@pytest.mark.parametrize("value", [LARGEST, -LARGEST, 0, 5e-324])
def test_what_just_fits_is_taken(value):
    assert vectors.numbers([value], "v") == [value]
    assert math.isfinite(value)


def test_an_empty_sparse_vector_is_fine():
    found = vectors.sparse({"indices": [], "values": []}, "v")

    assert (found.indices, found.values) == ([], [])


def test_unknown_names_are_refused():
    vectors.known_names(["", "text"], SCHEMA)

    with pytest.raises(RefusedError, match="nope"):
        vectors.known_names(["text", "nope"], SCHEMA)
