# SPDX-License-Identifier: Apache-2.0
"""One request as the guard understands it, and what is put around its answer."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from beast_ops.access.model import Principal

from .clients import Client
from .gate import Headers
from .limiter import Verdict
from .problems import refusal
from .rules import Rule
from .settings import Settings

LOGIN = "/login"
RawHeaders = list[tuple[bytes, bytes]]
CLOSED = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
_STRICT = (b"strict-transport-security", b"max-age=31536000")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, by whom, and whether it was asked too often."""

    method: str
    path: str
    headers: Headers
    client: Client
    rule: Rule
    principal: Principal | None
    settings: Settings
    verdict: Verdict | None

    @property
    def who(self) -> str:
        """How the record of changes calls who asks."""
        if self.principal is None:
            return "nobody"
        browser = " (browser)" if self.principal.kind == "session" else ""
        return f"{self.principal.name}{browser}"


def dressed(headers: RawHeaders, asked: Asked | None) -> RawHeaders:
    """Return *headers* with what keeps browsers from doing harm, unless a page says it itself."""
    there = {name for name, _ in headers}
    more = [pair for pair in CLOSED if pair[0] not in there]
    if asked is not None:
        if asked.client.secure:
            more.append(_STRICT)
        if asked.verdict is not None:
            more += asked.verdict.headers()
    return headers + more


def turned_away(refused: HTTPException, asked: Asked | None) -> Response:
    """Return the answer to who may not pass: people are led to where they log in."""
    if (
        refused.status_code == 401  # noqa: PLR2004 - HTTP's own number
        and asked is not None
        and asked.method == "GET"
        and b"authorization" not in asked.headers
        and b"text/html" in asked.headers.get(b"accept", b"")
    ):
        return RedirectResponse(f"{LOGIN}?to={quote(asked.path, safe='')}", 303)
    return refusal(refused.status_code, str(refused.detail), headers=refused.headers)
