# SPDX-License-Identifier: Apache-2.0
"""The only room that opens HTTP connections; nothing else imports httpx."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from .errors import ServiceError, SlowError, UnavailableError

AsyncClient = httpx.AsyncClient
Client = httpx.Client
Response = httpx.Response
RequestError = httpx.HTTPError
ConnectError = httpx.ConnectError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0


def _options(url: str, headers: Mapping[str, str] | None, seconds: float) -> dict[str, Any]:
    return {
        "base_url": url,
        "headers": dict(headers or {}),
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


def _reason(response: Response) -> str:
    try:
        return response.read().decode(errors="replace").strip()[:300] or response.reason_phrase
    except (httpx.HTTPError, RuntimeError):  # RuntimeError: a stream, closed or asynchronous
        return response.reason_phrase
