# SPDX-License-Identifier: Apache-2.0
import asyncio
import pickle
from pathlib import Path

import pytest

from beast_ops import http
from beast_ops.errors import BeastError, ServiceError, UnavailableError
from beast_ops.testing import Canned, fake_service, free_port


@pytest.fixture(scope="module")
def fake():
    answers = {
        "/ok": Canned({"a": 1}),
        "/slow": Canned(b"", seconds=5),
        "/no": Canned(b"not today", 403),
        "/silent": Canned(b"", 500),
        "/long": Canned(b"x" * 5000, 500),
        "/bytes": Canned(b"\xff", 500),
    }
    with fake_service(answers) as service:
        yield service


def ask(address, path, **options):
    with http.client(address, **options) as client, http.speaking_to("it", hint="Do so."):
        return client.get(path, params={"api-key": "hunter2"}).raise_for_status()


def test_an_answer_comes_through(fake):
    assert {"a": 1} == ask(fake.address, "/ok").json()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/no", "it answered 403: not today"),
        ("/silent", "it answered 500: Internal Server Error"),
        ("/missing", "it answered 404: Not Found"),
        ("/bytes", "it answered 500: �"),
    ],
)
def test_a_refusal_names_service_code_and_reason(path, said, fake):
    with pytest.raises(ServiceError) as caught:
        ask(fake.address, path)

    assert said == str(caught.value)
    assert f"{fake.address}{path}" == caught.value.subject
    assert "Do so." == caught.value.hint


def test_a_long_refusal_is_cut(fake):
    with pytest.raises(ServiceError) as caught:
        ask(fake.address, "/long")

    assert len(str(caught.value)) < 400


def test_queries_are_never_in_the_error(fake):
    with pytest.raises(ServiceError) as caught:
        ask(fake.address, "/no")

    assert "hunter2" not in caught.value.paragraph()


def test_nobody_there_is_temporary():
    with pytest.raises(UnavailableError, match="it does not answer"):
        ask(f"http://127.0.0.1:{free_port()}", "/")


@pytest.mark.parametrize("address", ["http://[bad", "http://a b", "no-scheme", "http://x:99999"])
def test_an_address_that_is_none_is_no_traceback(address):
    with pytest.raises(UnavailableError):
        ask(address, "/")


def test_no_answer_takes_longer_than_allowed(fake):
    with pytest.raises(UnavailableError, match=r"timed out|ReadTimeout"):
        ask(fake.address, "/slow", seconds=0.1)


def test_a_proxy_of_the_environment_is_not_for_our_services(fake, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{free_port()}")

    assert {"a": 1} == ask(fake.address, "/ok").json()


def test_a_refused_stream_that_is_open_is_told_with_its_reason(fake):
    with (
        http.client(fake.address) as client,
        client.stream("GET", "/no") as answer,
        pytest.raises(ServiceError, match="it answered 403: not today"),
        http.speaking_to("it"),
    ):
        answer.raise_for_status()


def test_a_refused_stream_is_told_even_when_it_is_closed(fake):
    with http.client(fake.address) as client:
        with client.stream("GET", "/no") as answer:
            pass
        with pytest.raises(ServiceError, match="it answered 403"), http.speaking_to("it"):
            answer.raise_for_status()


def test_a_refused_asynchronous_stream_is_told(fake):
    async def asks():
        async with http.async_client(fake.address) as client, client.stream("GET", "/no") as answer:
            with http.speaking_to("it"):
                answer.raise_for_status()

    with pytest.raises(ServiceError, match="it answered 403"):
        asyncio.run(asks())


def shown(fake):
    return [asked.headers.get("authorization") for asked in fake.asked]


def test_an_address_that_has_a_token_shows_it_and_is_an_address(tmp_path):
    key = tmp_path / "key"
    key.write_text("first\n")
    with fake_service({"/ok": Canned({"a": 1})}) as fake:
        address = http.Guarded(fake.address, key)
        with http.client(address) as client:
            client.get("/ok")
            key.write_text("rotated")
            client.get("/ok")

        async def soon():
            async with http.async_client(address) as client:
                await client.get("/ok")

        asyncio.run(soon())
        with http.client(str(address)) as client:  # what came of it is a plain address
            client.get("/ok")

        assert fake.address == address
        assert ["Bearer first", "Bearer rotated", "Bearer rotated", None] == shown(fake)


def test_an_address_keeps_its_token_in_another_process():
    known = pickle.dumps(http.Guarded("http://m:1", Path("/k")))
    found = pickle.loads(known)  # noqa: S301 - made a line before

    assert ("http://m:1", Path("/k")) == (found, found.key)


def test_a_token_that_cannot_be_read_is_named_and_nothing_is_asked(tmp_path):
    with fake_service({"/ok": Canned()}) as fake:
        with (
            http.client(http.Guarded(fake.address, tmp_path / "gone")) as client,
            pytest.raises(BeastError, match="cannot read a secret"),
        ):
            client.get("/ok")

        assert [] == fake.asked


@pytest.mark.parametrize(
    ("environ", "url", "key"),
    [
        ({}, None, None),
        ({"BEAST_MODELS_URL": ""}, None, None),
        ({"BEAST_MODELS_URL": "http://m:1"}, "http://m:1", None),
        ({"BEAST_MODELS_URL": "http://m:1", "BEAST_MODELS_KEY_FILE": "/k"}, "http://m:1", "/k"),
    ],
)
def test_the_release_says_where_and_with_which_token(environ, url, key):
    found = http.wanted(environ, "MODELS")

    assert url == found
    assert key == (str(found.key) if isinstance(found, http.Guarded) else None)
