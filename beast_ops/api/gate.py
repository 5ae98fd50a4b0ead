# SPDX-License-Identifier: Apache-2.0
"""Recognise who asks: by the tokens of the release, by a token that was made, by a session.

A request that shows a token is judged by it alone; the cookie counts for those without.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException

from beast_ops.access.changes import Changes
from beast_ops.access.codes import Codes
from beast_ops.access.lockout import Lockout
from beast_ops.access.model import Principal, Scope, hashed
from beast_ops.access.store import AccessStore

from .clients import Client
from .settings import Settings

if TYPE_CHECKING:  # it wants to know of us, too
    from .repeats import Repeats

SECURE_COOKIE, PLAIN_COOKIE = "__Host-beast", "beast"
COOKIES = frozenset({SECURE_COOKIE, PLAIN_COOKIE})
Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The secrets of the release; never shown.

    Attributes:
        all: Opens everything.
        metrics: Opens the figures.
        services: What other services show, by their names.
    """

    all: bytes
    metrics: bytes
    services: Mapping[str, bytes] = field(default_factory=dict)


class Gate:
    """Who may come in, while the process runs."""

    def __init__(self, tokens: Tokens, scopes: Mapping[str, Scope] | None = None) -> None:
        """Know the *tokens* of the release and the *scopes* of its services by their names.

        What is kept comes with `opened`.
        """
        self._tokens = tokens
        key = hashed(tokens.all)
        self.operator = Principal("operator", Scope.ADMIN, "operator", key, key)
        self._metrics = Principal("metrics", Scope.METRICS, "metrics", "metrics", "metrics")
        self._services = {
            hashed(token): _service(name, (scopes or {})[name], hashed(token))
            for name, token in tokens.services.items()
        }
        self.codes = Codes()
        self.lockout = Lockout()
        self.store: AccessStore | None = None
        self.changes: Changes | None = None
        self.repeats: Repeats | None = None

    def recognise(self, headers: Headers, client: Client, host: str) -> Principal | None:
        """Return who sent *headers*, `None` if nobody that is known."""
        given = headers.get(b"authorization", b"")
        if given:
            token = _bearer(given)
            found = self._by_token(token)
            if found is None and token:
                self.lockout.note(client.address)
            return found
        cookie = cookie_of(headers, secure=client.secure)
        if cookie is None or self.store is None:
            return None
        return self.store.session(cookie, host)

    def _by_token(self, token: bytes) -> Principal | None:
        # Both are compared always: the time must not tell which of them was nearly right.
        is_all = hmac.compare_digest(token, self._tokens.all)
        is_metrics = hmac.compare_digest(token, self._tokens.metrics)
        if is_all:
            return self.operator
        if is_metrics:
            return self._metrics
        if service := self._services.get(hashed(token)):
            return service
        return self.store.token(token) if self.store is not None else None

    def wait(self, client: Client, settings: Settings, *, noted: int = 0) -> float:
        """Return for how many seconds *client* may not guess.

        Args:
            client: Who asks.
            settings: How many guesses are free.
            noted: How many of those that are noted belong to this request.
        """
        seconds = settings.access.guess_minutes * 60
        return self.lockout.wait(client.address, settings.access.guesses + noted, seconds)


def _service(name: str, scope: Scope, key: str) -> Principal:
    return Principal(f"service {name}", scope, "service", key, key)


def _bearer(header: bytes) -> bytes:
    scheme, _, given = header.partition(b" ")
    return given.strip() if scheme.lower() == b"bearer" else b""


def cookie_name(*, secure: bool) -> str:
    """Return the name of our cookie; only over TLS browsers hold it to one host by its name."""
    return SECURE_COOKIE if secure else PLAIN_COOKIE


def cookie_of(headers: Headers, *, secure: bool) -> bytes | None:
    """Return what our cookie among *headers* holds, `None` if there is none."""
    wanted = cookie_name(secure=secure).encode()
    for pair in headers.get(b"cookie", b"").split(b";"):
        name, _, value = pair.strip().partition(b"=")
        if name == wanted:
            return value
    return None


def without_ours(cookies: str) -> str:
    """Return the header *cookies* without ours: what is behind has no business with it."""
    kept = (pair.strip() for pair in cookies.split(";"))
    return "; ".join(pair for pair in kept if pair and pair.partition("=")[0] not in COOKIES)


def same_origin(headers: Headers, host: bytes, *, secure: bool) -> bool:
    """Return whether a page of ours sent this; a stranger's cannot lie about where it is from.

    Args:
        headers: What the browser sent.
        host: The name and port under which it was sent.
        secure: Whether that was over TLS.
    """
    origin = headers.get(b"origin", b"null").decode("latin-1")
    if origin == "null":  # of a page that sends no referrer
        return headers.get(b"sec-fetch-site") == b"same-origin"
    found = urlsplit(origin)
    wanted = "https" if secure else "http"
    return found.scheme == wanted and found.netloc.lower() == host.decode("latin-1").lower()


def locked(seconds: float) -> HTTPException:
    """Return the refusal of who guessed too often."""
    again = {"retry-after": str(int(seconds) + 1)}
    return HTTPException(429, "too many wrong tokens or codes came from here", headers=again)
