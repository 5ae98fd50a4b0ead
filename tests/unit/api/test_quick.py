# SPDX-License-Identifier: Apache-2.0
"""What is answered without FastAPI is answered as by FastAPI."""

import asyncio
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import ResponseValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.testclient import TestClient

from beast_ops.api.app import ROOMS
from beast_ops.api.quick import quick


class Model(BaseModel):
    name: str
    more: int | None = None


async def who(request: Request) -> str:
    return request.headers["x-who"]


Who = Annotated[str, Depends(who)]
APP = FastAPI()


@APP.get("/plain")
async def plain(name: Who) -> Model:
    return Model(name=name)


@APP.get("/asked", response_model_exclude_none=True)
async def asked(request: Request, name: Who) -> Model:
    return Model(name=f"{name} {request.url.path}")


@APP.get("/loose", response_model=Model)
async def loose(name: Who):
    return {"name": name, "secret": 1}


@APP.get("/wrong", response_model=Model)
async def wrong(name: Who):
    return {"name": [name]}


@APP.get("/refused")
async def refused(name: Who) -> Model:
    raise HTTPException(418, name)


@APP.get("/param")
async def param(name: Who, more: int = 0) -> Model:
    return Model(name=name, more=more)


@APP.get("/sync")
def sync(name: Who) -> Model:
    return Model(name=name)


@APP.get("/nothing")
async def nothing(name: Who):
    return name


ROUTES = {route.path: route for route in APP.routes}


@pytest.mark.parametrize("path", ["/plain", "/asked", "/loose", "/refused"])
def test_the_answer_is_the_same(path):
    answer = quick(ROUTES[path])
    assert answer is not None

    async def app(scope, receive, send):
        try:
            await answer(scope, receive, send)
        except HTTPException as failed:
            await JSONResponse({"detail": failed.detail}, failed.status_code)(scope, receive, send)

    headers = {"x-who": "ada"}
    theirs, ours = (TestClient(each).get(path, headers=headers) for each in (APP, app))
    assert (theirs.status_code, theirs.content, theirs.headers) == (
        ours.status_code, ours.content, ours.headers,
    )  # fmt: skip


def test_an_answer_that_is_not_of_its_type_is_no_answer():
    answer = quick(ROUTES["/wrong"])
    scope = {"type": "http", "method": "GET", "path": "/wrong", "headers": [(b"x-who", b"d")]}
    with pytest.raises(ResponseValidationError):
        asyncio.run(answer(scope, None, None))


@pytest.mark.parametrize("path", ["/param", "/sync", "/nothing", "/openapi.json"])
def test_what_is_not_that_simple_is_left_alone(path):
    assert quick(ROUTES[path]) is None


def test_what_the_dashboard_asks_all_the_time_is_that_simple():
    found = {each.path for room in ROOMS for each in room.router.routes if quick(each)}

    assert {"/health", "/session", "/collections", "/models", "/tokens"} <= found
