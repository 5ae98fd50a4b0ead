# SPDX-License-Identifier: Apache-2.0
"""Scrolling: every point exactly once, in the order asked for."""

import functools
import operator
import uuid

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse


@pytest.fixture
def many(client, plain):
    client.upsert(
        plain,
        [
            models.PointStruct(id=n, vector=[n, 1], payload={"n": 100 - n, "even": n % 2 == 0})
            for n in range(25)
        ],
    )
    return plain


def pages(client, name, **more):
    offset, found = None, []
    while True:
        page, offset = client.scroll(name, offset=offset, **more)
        found.append([each.id for each in page])
        if offset is None:
            return found


def test_pages_hold_every_point_once_by_id(client, many):
    found = pages(client, many, limit=10)

    assert found == [list(range(10)), list(range(10, 20)), list(range(20, 25))]


def test_a_page_that_fits_exactly_is_the_last(client, many):
    assert len(pages(client, many, limit=25)) == 1


def test_an_offset_need_not_be_there(client, many):
    client.delete(many, [10])

    page, _ = client.scroll(many, offset=10, limit=2)

    assert [each.id for each in page] == [11, 12]


def test_filters_hold_over_pages(client, many):
    even = models.Filter(
        must=[models.FieldCondition(key="even", match=models.MatchValue(value=True))]
    )

    found = pages(client, many, limit=4, scroll_filter=even)

    assert functools.reduce(operator.iadd, found, []) == list(range(0, 25, 2))


def test_numbers_come_before_uuids(client, plain):
    names = sorted(str(uuid.uuid4()) for _ in range(3))
    client.upsert(plain, [models.PointStruct(id=each, vector=[1, 1]) for each in [*names, 5]])

    assert functools.reduce(operator.iadd, pages(client, plain, limit=2), []) == [5, *names]


def test_more_than_a_thousand_fit_into_one_page(client, plain):
    client.upsert(plain, [models.PointStruct(id=n, vector=[1, 1]) for n in range(2500)])

    page, offset = client.scroll(plain, limit=2400)

    assert [each.id for each in page] == list(range(2400))
    assert offset == 2400


@pytest.mark.parametrize(("direction", "expected"), [("asc", [24, 23, 22]), ("desc", [0, 1, 2])])
def test_an_order_by_payload_is_kept(client, many, direction, expected):
    client.create_payload_index(many, "n", models.PayloadSchemaType.INTEGER)

    page, offset = client.scroll(
        many, order_by=models.OrderBy(key="n", direction=direction), limit=3
    )

    assert [each.id for each in page] == expected
    assert offset is None


def test_an_order_may_start_somewhere(client, many):
    client.create_payload_index(many, "n", models.PayloadSchemaType.INTEGER)

    page, _ = client.scroll(many, order_by=models.OrderBy(key="n", start_from=98), limit=2)

    assert [each.payload["n"] for each in page] == [98, 99]


def test_an_order_without_an_index_is_refused(client, many):
    with pytest.raises(UnexpectedResponse) as refused:
        client.scroll(many, order_by="n")

    assert refused.value.status_code == 400


def test_an_empty_collection_has_one_empty_page(client, plain):
    assert client.scroll(plain) == ([], None)
