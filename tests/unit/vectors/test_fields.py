# SPDX-License-Identifier: Apache-2.0
import pytest

from beast_ops.vectors.errors import RefusedError
from beast_ops.vectors.fields import Fields, describe, expect


def test_a_field_taken_is_crossed_off():
    fields = Fields({"limit": 3}, "")

    taken = fields.take("limit", int)
    fields.done()

    assert taken == 3


def test_a_field_nobody_took_is_refused_by_name():
    fields = Fields({"limit": 3, "limt": 4}, "prefetch[0]")
    fields.take("limit", int)

    with pytest.raises(RefusedError, match=r"prefetch\[0\]: unknown field `limt`"):
        fields.done()


def test_null_counts_as_absent():
    fields = Fields({"a": None, "b": None}, "")

    taken = fields.take("a", int, 7)
    fields.done()

    assert taken == 7
    assert "b" not in fields


@pytest.mark.parametrize(
    ("value", "kind"),
    [(True, int), (1.0, int), ("1", int), (1, str), (True, float), ({}, list), ([], dict)],
)
def test_a_value_of_another_kind_is_refused(value, kind):
    with pytest.raises(RefusedError, match="here: expected"):
        expect(value, kind, "here")


def test_an_integer_serves_as_a_number():
    assert expect(3, float, "here") == 3.0
    assert isinstance(expect(3, float, "here"), float)


def test_a_missing_field_is_named_with_its_place():
    with pytest.raises(RefusedError, match="order_by: missing field `key`"):
        Fields({}, "order_by").need("key", str)


@pytest.mark.parametrize("read", ["need_in", "choice"])
def test_a_word_that_is_no_option_is_refused_with_the_options(read):
    with pytest.raises(RefusedError, match="unknown variant `up`, expected one of `asc`, `desc`"):
        getattr(Fields({"direction": "up"}, ""), read)("direction", {"asc": 1, "desc": 2})


def test_an_option_that_must_be_there_is_missed():
    with pytest.raises(RefusedError, match="missing field `direction`"):
        Fields({}, "").need_in("direction", {"asc": 1})


@pytest.mark.parametrize("value", [-1, 2**63])
def test_a_number_outside_its_range_is_a_validation_error(value):
    with pytest.raises(RefusedError, match="must be 0 or larger") as refused:
        Fields({"limit": value}, "").number("limit", 0)

    assert refused.value.status == 422


def test_a_list_of_strings_holds_only_strings():
    with pytest.raises(RefusedError, match=r"keys\[1\]: expected a string, got 2"):
        Fields({"keys": ["a", 2]}, "").strings("keys")


@pytest.mark.parametrize(
    ("value", "said"), [(None, "None"), ("x" * 99, repr("x" * 99)[:60]), ({}, "an object")]
)
def test_a_value_is_described_briefly(value, said):
    assert describe(value) == said
