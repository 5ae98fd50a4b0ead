# SPDX-License-Identifier: Apache-2.0
"""The only room that opens HTTP connections; nothing else imports httpx."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx

from .errors import ServiceError, SlowError, UnavailableError
from .keys import read_secret

AsyncClient = httpx.AsyncClient
Client = httpx.Client
Response = httpx.Response
RequestError = httpx.HTTPError
ConnectError = httpx.ConnectError
LateError = httpx.TimeoutException

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0


class Guarded(str):
    """The address of a service that wants a token shown, and the file that holds it.

    Everywhere else it is a plain address, so nobody between has to know of the token.
    """

    __slots__ = ("key",)
    key: Path

    def __new__(cls, url: str, key: Path) -> Self:
        """Return *url*, with the token in the file *key*."""
        made = super().__new__(cls, url)
        made.key = key
        return made

    def __getnewargs__(self) -> tuple[str, Path]:  # type: ignore[override] # of this class
        """Return what makes it anew in another process."""
        return str(self), self.key


class _Shown(httpx.Auth):
    """Shows the token in a file, as it is at each request."""

    def __init__(self, key: Path) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {read_secret(self._key)}"
        yield request


def wanted(environ: Mapping[str, str], capability: str) -> str | None:
    """Return the address of *capability*, as the release put it into *environ*, if it is there.

    Args:
        environ: The environment of a process.
        capability: What the address is of, such as `MODELS`.
    """
    url, key = (environ.get(f"BEAST_{capability}_{each}") for each in ("URL", "KEY_FILE"))
    return Guarded(url, Path(key)) if url and key else url or None


def _options(url: str, headers: Mapping[str, str] | None, seconds: float) -> dict[str, Any]:
    return {
        "base_url": url,
        "headers": dict(headers or {}),
        "auth": _Shown(url.key) if isinstance(url, Guarded) else None,
        "timeout": httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS)),
        # A proxy in the environment is for the way out; our services are never behind it.
        "trust_env": False,
        # Loading the certificate store costs 20 ms and is of no use without TLS.
        "verify": url.startswith("https:"),
    }


def client(
    url: str, *, headers: Mapping[str, str] | None = None, seconds: float = ANSWER_SECONDS
) -> Client:
    """Return a client for the service at *url*, where no answer may take longer than *seconds*."""
    return httpx.Client(**_options(url, headers, seconds))


def async_client(
    url: str, *, headers: Mapping[str, str] | None = None, seconds: float = ANSWER_SECONDS
) -> AsyncClient:
    """Return the asynchronous twin of `client`."""
    return httpx.AsyncClient(**_options(url, headers, seconds))


@contextmanager
def speaking_to(service: str, *, hint: str = "") -> Iterator[None]:
    """Turn what httpx raises into our own errors, naming *service*.

    Raises:
        UnavailableError: If nobody answered.
        SlowError: If an answer was not there in time.
        ServiceError: If the answer was a refusal raised by `raise_for_status`.
    """
    try:
        yield
    except httpx.HTTPStatusError as refused:
        raise ServiceError(
            f"{service} answered {refused.response.status_code}: {_reason(refused.response)}",
            subject=str(refused.request.url.copy_with(query=None)),
            hint=hint,
        ) from refused
    except httpx.HTTPError as failed:
        problem = str(failed) or type(failed).__name__
        kind = SlowError if isinstance(failed, httpx.ReadTimeout) else UnavailableError
        raise kind(f"{service} does not answer: {problem}", subject=service, hint=hint) from failed


def retry_after(response: Response) -> float | None:
    """Return after how many seconds *response* wants to be asked again, if it says so."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):  # a date: nobody's clock is worth that much
        return None


def was_never_sent(failed: BaseException) -> bool:
    """Return whether what *failed* never reached anybody, so that it can be sent again."""
    return isinstance(failed.__cause__, httpx.ConnectError | httpx.ConnectTimeout)


def _reason(response: Response) -> str:
    try:
        return response.read().decode(errors="replace").strip()[:300] or response.reason_phrase
    except (httpx.HTTPError, RuntimeError):  # RuntimeError: a stream, closed or asynchronous
        return response.reason_phrase
