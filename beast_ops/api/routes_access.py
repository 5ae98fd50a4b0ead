# SPDX-License-Identifier: Apache-2.0
"""Tokens, codes, sessions, the record of changes, and what the front door asks."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from beast_ops.access.codes import SECONDS as CODE_SECONDS
from beast_ops.access.model import NAME_PATTERN, Scope, ScopeName, Session, Token
from beast_ops.access.rules import PATTERN, ModelRules
from beast_ops.errors import UsageError
from beast_ops.ingest.manifest import INTEGER_MOST

from .body import Body
from .clients import Client
from .entry import Asking, AtGate, InStore
from .gate import cookie_name, locked, same_origin
from .house import InHouse, taking
from .pages import refusals
from .rules import OPEN, needs

router = APIRouter(tags=["access"])

RESERVED = frozenset({"operator", "metrics"})
CHANGES_MOST = 500
Name = Annotated[str, Field(pattern=NAME_PATTERN, examples=["laptop"])]
Models = Annotated[
    list[Annotated[str, Field(pattern=PATTERN)]],
    Field(min_length=1, max_length=100, examples=[["llama3.2", "qwen*:8b"]]),
]
PerMinute = Annotated[int, Field(ge=1, le=1_000_000, examples=[30])]
TokenName = Annotated[str, Path(pattern=NAME_PATTERN)]


class TokenBody(Body):
    """The token that is wanted."""

    name: Name
    scope: ScopeName = "read"
    days: Annotated[float, Field(gt=0, le=36_500)] | None = None
    models: Models | None = None
    per_minute: PerMinute | None = None


class TokenModel(BaseModel):
    """What is known of a token; it opens nothing."""

    name: str
    scope: ScopeName
    created: datetime
    expires: datetime | None
    used: datetime | None
    models: list[str] | None = Field(description="The models it may use; all if there is no list.")
    per_minute: int | None = Field(description="How often a minute it may ask a model.")


class MadeModel(TokenModel):
    """A new token, shown this once."""

    token: str


class TokensModel(BaseModel):
    """All tokens but those of the release."""

    tokens: list[TokenModel]


class CodeModel(BaseModel):
    """A code that lets one browser in, once."""

    code: str
    expires_in: int


class SessionBody(Body):
    """The code that somebody typed in, and where they wanted to go."""

    code: Annotated[str, Field(min_length=1, max_length=64, examples=["2345-6789"])]
    to: Annotated[str, Field(max_length=2000)] = "/"


class SessionModel(BaseModel):
    """Who is logged in, and until when; `to` is where to go now, on this host."""

    name: str
    scope: ScopeName
    expires: datetime
    to: str = "/"


class WhoModel(BaseModel):
    """Who asks, as the API sees it."""

    name: str
    scope: ScopeName
    kind: Literal["token", "session"]
    expires: datetime | None


class ChangeModel(BaseModel):
    """One change: who asked for it from where, and how it was answered."""

    id: int
    at: datetime
    who: str
    client: str
    method: str
    path: str
    status: int


class ChangesModel(BaseModel):
    """Changes, the newest first; `next` goes into `before` to see older ones."""

    changes: list[ChangeModel]
    next: int | None


@router.post("/tokens", status_code=201, dependencies=[Depends(taking)])
@needs(Scope.ADMIN, secret=True)
async def create_token(body: TokenBody, store: InStore) -> MadeModel:
    """Make a token. The answer is the only one that has it.

    Raises `UsageError` if the name is one of the release's own.
    """
    if body.name in RESERVED:
        raise UsageError("this name is taken by a token of the release", subject=body.name)
    scope = Scope[body.scope.upper()]
    rules = ModelRules(None if body.models is None else tuple(body.models), body.per_minute)
    secret, token = await asyncio.to_thread(store.create, body.name, scope, body.days, rules)
    return MadeModel(**_shown(token).model_dump(), token=secret)


@router.get("/tokens")
@needs(Scope.ADMIN)
async def list_tokens(store: InStore) -> TokensModel:
    """List the tokens that were made, without what opens."""
    return TokensModel(tokens=[_shown(each) for each in await asyncio.to_thread(store.tokens)])


@router.delete("/tokens/{name}", status_code=204, dependencies=[Depends(taking)])
@needs(Scope.ADMIN)
async def revoke_token(name: TokenName, store: InStore, gate: AtGate) -> None:
    """Let a token open nothing from now on, and end the sessions it began."""
    gate.codes.forget(await asyncio.to_thread(store.revoke, name))


@router.post("/auth/codes", status_code=201)
@needs(Scope.READ, secret=True)
async def make_code(gate: AtGate, principal: Asking) -> CodeModel:
    """Make a code that lets a browser in as whoever asks for it: good once, for ten minutes."""
    return CodeModel(code=gate.codes.make(principal), expires_in=int(CODE_SECONDS))


@router.post(
    "/session",
    status_code=201,
    response_model=SessionModel,
    responses=refusals(s401="This code is wrong, was used, or is too old"),
)
@needs(OPEN, guests=True, secret=True)
async def log_in(
    body: SessionBody, request: Request, store: InStore, gate: AtGate, house: InHouse
) -> Response:
    """Exchange a code for a session, which the answer's cookie is."""
    client: Client = request.state.client
    settings = house.settings()
    host = request.headers["host"]
    from_page = {"origin", "sec-fetch-site"} & set(request.headers.keys())
    if from_page and not same_origin(
        dict(request.scope["headers"]), host.encode("latin-1"), secure=client.secure
    ):
        raise HTTPException(403, "a page of another site asked for this")
    if wait := gate.wait(client, settings):
        raise locked(wait)
    principal = gate.codes.take(body.code)
    if principal is None:
        gate.lockout.note(client.address)
        raise HTTPException(401, "this code is wrong, was used, or is too old")
    gate.lockout.forgive(client.address)
    seconds = settings.access.session_hours * 3600
    name = host_name(host)
    secret, session = await asyncio.to_thread(store.begin, principal, name, seconds)
    if gate.changes is not None:
        who = f"{principal.name} (browser)"
        gate.changes.note(who, client.address, "POST", request.url.path, 201)
    answer = SessionModel(
        name=session.name,
        scope=_word(session.scope),
        expires=_moment(session.expires),
        to=_inside(body.to),
    )
    response = JSONResponse(answer.model_dump(mode="json"), 201)
    _set(response, secret, session, client)
    return response


@router.get("/session")
@needs(Scope.READ)
async def who(principal: Asking) -> WhoModel:
    """Tell who asks, and what they may."""
    expires = None if principal.expires is None else _moment(principal.expires)
    kind: Literal["session", "token"] = "session" if principal.kind == "session" else "token"
    return WhoModel(name=principal.name, scope=_word(principal.scope), kind=kind, expires=expires)


@router.delete("/session", status_code=204)
@needs(Scope.READ)
async def log_out(request: Request, principal: Asking, store: InStore) -> Response:
    """End the session that asks."""
    if principal.kind == "session":
        await asyncio.to_thread(store.end, principal.key)
    response = Response(status_code=204)
    secure = request.state.client.secure
    response.delete_cookie(
        cookie_name(secure=secure), secure=secure, httponly=True, samesite="strict"
    )
    return response


@router.get("/changes")
@needs(Scope.ADMIN)
async def changes(
    gate: AtGate,
    limit: Annotated[int, Query(ge=1, le=CHANGES_MOST)] = 50,
    before: Annotated[int | None, Query(ge=1, le=INTEGER_MOST)] = None,
) -> ChangesModel:
    """Tell who changed what, the newest first."""
    rows = await asyncio.to_thread(gate.changes.newest, limit, before) if gate.changes else []
    shown = [ChangeModel(**{**row, "at": _moment(row["at"])}) for row in rows]
    return ChangesModel(changes=shown, next=rows[-1]["id"] if len(rows) == limit else None)


def host_name(header: str) -> str:
    """Return the name in the Host *header*, which the guard has judged, without its port."""
    name = header.lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def _set(response: Response, secret: str, session: Session, client: Client) -> None:
    lasting = int(session.expires - datetime.now(UTC).timestamp())
    response.set_cookie(
        cookie_name(secure=client.secure),
        secret,
        max_age=max(1, lasting),
        path="/",
        secure=client.secure,
        httponly=True,
        samesite="strict",
    )


def _inside(path: str) -> str:
    r"""Return *path* if it leads nowhere but into this host: `//x` and `/\x` lead out of it."""
    good = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if good else "/"


def _shown(token: Token) -> TokenModel:
    return TokenModel(
        name=token.name,
        scope=_word(token.scope),
        created=_moment(token.created),
        expires=None if token.expires is None else _moment(token.expires),
        used=None if token.used is None else _moment(token.used),
        models=None if token.rules.models is None else list(token.rules.models),
        per_minute=token.rules.per_minute,
    )


def _word(scope: Scope) -> ScopeName:
    return cast(ScopeName, scope.word)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds), UTC)
