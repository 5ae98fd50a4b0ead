# SPDX-License-Identifier: Apache-2.0
import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from beast_ops import keys
from beast_ops.doctor.redact import Redactor, redactor, secrets
from beast_ops.errors import BeastError

SECRET = b's3cret/with+signs: \xc3\xa4 and "more"'
BEARER = "Authorization: Bearer abcdefgh.ijklmnop"


def spelled(secret):
    """Return *secret* in every form, written here in another way than there."""
    text = secret.decode()
    yield from (secret, secret.hex().encode(), secret.hex().upper().encode())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(secret)
        yield from (encode(b"x" * many + secret + b"y" * many) for many in (1, 2, 3))
    yield from (quote(text).encode(), quote(text, safe="").encode(), quote_plus(text).encode())
    yield quote(text, safe="").lower().encode()
    yield quote(base64.b64encode(secret), safe="").encode()
    yield json.dumps(text).encode()[1:-1]


@pytest.mark.parametrize("form", list(spelled(SECRET)))
def test_a_secret_is_found_in_every_form(form):
    cleaned = Redactor([SECRET]).clean(b"before " + form + b" after")

    assert cleaned.startswith(b"before ")
    assert cleaned.endswith(b" after")
    assert b"***" in cleaned
    assert len(cleaned) < len(b"before *** after") + 16


@pytest.mark.parametrize(("text", "expected"), [
    (BEARER, "Authorization: ***"),
    ("Basic YWRtaW46c2VjcmV0", "***"),
    ("https://me:hunter2@host/x", "https://***@host/x"),
    ("password=hunter2&x=1", "password=***&x=1"),
    ("TOKEN=abc", "TOKEN=***"),
    ('{"api_key": "abc"}', '{"api_key": "***"}'),
    ('{"token": null, "secret": 3}', '{"token": null, "secret": 3}'),
    ("nothing to hide", "nothing to hide"),
])  # fmt: skip
def test_what_looks_like_a_secret_goes_as_well(text, expected):
    assert expected == Redactor([]).text(text)


@pytest.mark.parametrize("text", [
    "-----BEGIN EC PRIVATE KEY-----\nAAAABBBBCCCCDDDD\n-----END EC PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\\nAAAABBBBCCCCDDDD\\n",
    "AAAABBBBCCCCDDDDEEEE\nAAAABBBBCCCCDDDDEEEE\n-----END PRIVATE KEY-----",
])  # fmt: skip
def test_private_keys_go_even_if_only_a_part_is_there(text):
    assert "AAAA" not in Redactor([]).text(f"x {text}")


def test_what_is_too_short_would_blot_out_words():
    assert "admin is in" == Redactor([b"admin"]).text("admin is in")


def test_secrets_of_yesterday_are_known_and_words_of_templates_are_none(place):
    keys.rotate(place.secrets, "store/key")
    (place.secrets / "ca").mkdir()
    (place.secrets / "ca" / "ca.crt").write_text("public")
    keys.keep_given(place.secrets, "mail/password", "only I know it")
    master = (place.secrets / "master.key").read_bytes()
    (place.current / "services.json").write_text("damaged")
    found = set(secrets(place))

    old, new = (keys.derive(master, "store", "key", number).encode() for number in (1, 2))
    assert {old, new, master, b"only I know it"} <= found
    assert b"public" not in found
    assert any(each.startswith(b"$2b$") for each in found)


def test_damaged_versions_still_tell_what_they_can(place):
    (place.secrets / "versions").write_text("what\nstore/key 3\n")
    master = (place.secrets / "master.key").read_bytes()

    assert keys.derive(master, "store", "key", 3).encode() in set(secrets(place))


def test_without_a_master_key_what_was_handed_over_is_known(place):
    value = (place.secrets / "store" / "key").read_bytes()
    (place.secrets / "master.key").unlink()

    assert value in set(secrets(place))


def test_a_secret_that_cannot_be_read_stops_it(place, monkeypatch):
    def deny(_place):
        raise PermissionError(13, "Permission denied", "key")

    monkeypatch.setattr("beast_ops.doctor.redact.secrets", deny)
    with pytest.raises(BeastError, match="cannot read a secret"):
        redactor(place)


def test_large_logs_take_no_time():
    cleaner = Redactor([bytes([65 + number % 26]) * 20 + b"%d" % number for number in range(300)])
    begun = time.monotonic()
    for content in (b"A" * 500_000, b"QUJDREVGR0hJSktMTU5P\n" * 20_000, b"password " * 50_000):
        cleaner.clean(content)

    assert time.monotonic() - begun < 20
