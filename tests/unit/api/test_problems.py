# SPDX-License-Identifier: Apache-2.0
import json
import logging

import pytest
from starlette.responses import PlainTextResponse

from beast_ops.api.gate import Gate, Tokens
from beast_ops.api.guard import Guard
from beast_ops.api.metrics import Figures
from beast_ops.api.names import Named
from beast_ops.api.problems import CODES, HINTS, handlers
from beast_ops.api.rules import Rules
from beast_ops.api.settings import Settings
from beast_ops.errors import (
    BeastError,
    BusyError,
    ConflictError,
    DocumentError,
    LeaseLostError,
    MissingError,
    ServiceError,
    SettingsError,
    TransientError,
    UnavailableError,
    UsageError,
)
from beast_ops.testing import serving

WORDS = "what failed"


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (UsageError, 422),
        (SettingsError, 422),
        (DocumentError, 422),
        (MissingError, 404),
        (ConflictError, 409),
        (UnavailableError, 503),
        (BusyError, 503),
        (LeaseLostError, 503),
        (ServiceError, 503),
        (BeastError, 500),
    ],
)
def test_each_of_our_errors_has_its_status(kind, status):
    answer = answered(kind(WORDS, subject="it", hint="Do that."))

    assert status == answer.status_code
    error = json.loads(answer.body)["error"]
    assert CODES[status] == error["code"]
    if status != 500:
        assert error["message"] == "what failed (it)"
        assert error["hint"] == "Do that."
    assert ("retry-after" in answer.headers) is issubclass(kind, TransientError)


def guarded(app):
    def nothing():
        raise MissingError("no contract")

    named = Named(Settings, nothing)
    return Guard(app, Gate(Tokens(b"t", b"m")), Rules([]), named, Figures().requests)


def answered(error):
    import asyncio

    from starlette.requests import Request

    request = Request({"type": "http", "method": "GET", "path": "/x", "headers": []})
    return asyncio.run(handlers()[BeastError](request, error))


def test_every_code_has_a_hint():
    assert set(CODES) == set(HINTS)


@pytest.fixture
def broken():
    """Serve an application that fails unforeseen, before or after it began to answer."""

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": f"{message['type']}.complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        if scope["path"] == "/late":
            await PlainTextResponse("partly")(scope, receive, send)
        raise RuntimeError("s3cret")

    guard = guarded(app)
    with serving(guard) as address:
        yield address


def test_an_unforeseen_error_has_an_id_that_is_in_the_log(broken, caplog):
    from beast_ops import http

    with caplog.at_level(logging.ERROR), http.client(broken) as client:
        answer = client.get("/x", headers={"authorization": "Bearer t"})
        late = client.get("/late", headers={"authorization": "Bearer t"})

    error = answer.json()["error"]
    assert answer.status_code == 500
    assert "s3cret" not in answer.text
    assert "Traceback" not in answer.text
    assert error["id"] in caplog.text
    assert "RuntimeError" in caplog.text
    assert late.text == "partly"
