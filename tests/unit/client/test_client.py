# SPDX-License-Identifier: Apache-2.0
"""What is sent, and what refusals become."""

import pytest

from beast_ops.cards import Health
from beast_ops.client import connect
from beast_ops.client.asked import Asked
from beast_ops.errors import (
    BeastError,
    ConflictError,
    MissingError,
    NotDeployedError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from beast_ops.place import Place
from beast_ops.testing import Canned, a_service, an_installation, fake_service, free_port

TOKEN = {"beast-api/token": "the-token"}


def api_at(root, address, secrets=TOKEN):
    return an_installation(
        root, a_service("beast-api", address, health=Health(deep="api")), secrets=secrets
    )


def test_a_call_carries_the_token_and_returns_what_was_answered(tmp_path):
    answers = {"/x": Canned({"a": 1}), "/nothing": Canned(status=204)}
    with fake_service(answers) as fake, connect(api_at(tmp_path, fake.address)) as api:
        answer = api.call(Asked("POST", "/x", body={"q": "ü"}))
        nothing = api.call(Asked("DELETE", "/nothing"))

    assert answer == {"a": 1}
    assert nothing is None
    assert fake.asked[0].headers["authorization"] == "Bearer the-token"
    assert fake.asked[0].body.decode() == '{"q":"ü"}'


def test_an_upload_is_sent_piece_by_piece(tmp_path):
    got = []

    def take(asked):
        got.append(asked)
        return Canned({"ok": True})

    with fake_service({"/up": take}) as fake, connect(api_at(tmp_path, fake.address)) as api:
        assert api.call(Asked("PUT", "/up", content=iter([b"ab", b"cd"]))) == {"ok": True}

    assert got[0].headers["transfer-encoding"] == "chunked"
    assert got[0].headers["content-type"] == "application/octet-stream"
    assert got[0].body == b"abcd"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, UsageError),
        (401, ServiceError),
        (403, ServiceError),
        (404, MissingError),
        (409, ConflictError),
        (413, UsageError),
        (415, UsageError),
        (422, UsageError),
        (429, UnavailableError),
        (500, ServiceError),
        (503, UnavailableError),
    ],
)
def test_a_refusal_becomes_our_error_with_its_words(tmp_path, status, kind):
    body = {"error": {"code": "c", "message": "no such thing", "hint": "Look."}}
    with (
        fake_service({"/x": Canned(body, status=status)}) as fake,
        connect(api_at(tmp_path, fake.address)) as api,
        pytest.raises(kind) as refused,
    ):
        api.call(Asked("GET", "/x"))

    assert type(refused.value) is kind
    assert refused.value.paragraph() == "no such thing. Look."


@pytest.mark.parametrize("body", [b"<html>", {"error": "x"}, {}, []])
def test_a_refusal_in_another_shape_is_told_by_its_status(tmp_path, body):
    with (
        fake_service({"/x": Canned(body, status=500)}) as fake,
        connect(api_at(tmp_path, fake.address)) as api,
        pytest.raises(ServiceError, match="the API answered 500"),
    ):
        api.call(Asked("GET", "/x"))


def test_nobody_answering_is_temporary_and_says_what_to_do(tmp_path):
    place = api_at(tmp_path, f"http://127.0.0.1:{free_port()}")
    with connect(place) as api, pytest.raises(UnavailableError) as failed:
        api.call(Asked("GET", "/x"))

    assert "./beast status" in failed.value.hint
    with connect(place) as api, pytest.raises(UnavailableError):
        api.call(Asked("PUT", "/x", content=[b""]))


def test_without_an_installation_there_is_no_api(tmp_path):
    with pytest.raises(NotDeployedError), connect(Place(tmp_path)):
        pass


def test_an_installation_without_an_api_is_said_so(tmp_path):
    place = an_installation(tmp_path, a_service("qdrant", "http://127.0.0.1:1"))

    with pytest.raises(NotDeployedError, match="has no API"), connect(place):
        pass


def test_a_token_that_cannot_be_read_is_an_error(tmp_path):
    place = api_at(tmp_path, "http://127.0.0.1:1", secrets={})

    with pytest.raises(BeastError, match="cannot read a secret"), connect(place):
        pass
