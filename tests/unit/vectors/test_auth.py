# SPDX-License-Identifier: Apache-2.0
import pytest
from starlette.datastructures import Headers

from beast_ops.vectors.auth import Keys, offered_key

KEYS = Keys(b"full", b"reading")


@pytest.mark.parametrize(
    ("offered", "allowed"),
    [(b"full", True), (b"reading", False), (b"", None), (b"ful", None), (b"fullx", None)],
)
def test_a_key_allows_what_it_is_for(offered, allowed):
    assert KEYS.may_write(offered) is allowed


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"api-key": "k"}, b"k"),
        ({"Authorization": "Bearer k"}, b"k"),
        ({"authorization": "bearer  k "}, b"k"),
        ({"authorization": "Basic k"}, None),
        ({"api-key": "a", "authorization": "Bearer b"}, b"a"),
        ({}, None),
    ],
)
def test_a_key_is_found_in_either_header(headers, key):
    assert offered_key(Headers(headers)) == key


def test_keys_are_not_shown():
    assert "full" not in repr(KEYS)
