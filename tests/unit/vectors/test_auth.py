# SPDX-License-Identifier: Apache-2.0
import pytest
from starlette.datastructures import Headers

from beast_ops.errors import SettingsError
from beast_ops.vectors.auth import Keys, offered_key, read_keys

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


def write(folder, full, reading):
    (folder / "api_key").write_text(full)
    (folder / "read_only_key").write_text(reading)


def test_keys_are_read_from_their_files(tmp_path):
    write(tmp_path, "full\n", "reading")

    assert read_keys(tmp_path) == KEYS


@pytest.mark.parametrize(
    ("full", "reading", "complaint"),
    [("", "b", "empty"), ("a", " \n", "empty"), ("a", "a", "same")],
)
def test_keys_that_would_let_everybody_in_are_refused(tmp_path, full, reading, complaint):
    write(tmp_path, full, reading)

    with pytest.raises(SettingsError, match=complaint):
        read_keys(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match="cannot read the key") as refused:
        read_keys(tmp_path)

    assert refused.value.subject.endswith("api_key")
