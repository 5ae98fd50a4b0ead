# SPDX-License-Identifier: Apache-2.0
"""Fetch pages of strangers, without being led anywhere else, flooded, or kept for ever.

A connection goes to the very address that was checked; name and certificate stay those of the
page. No proxy is used: what it connects to nobody could check.
"""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLateError
from dataclasses import dataclass, field
from typing import Any, Self

import httpcore
import httpx

from .addresses import Network, may_connect
from .clock import SYSTEM, Clock
from .errors import DocumentError, UsageError
from .web_body import body_of

REDIRECTS_MOST = 5
PAGE_BYTES = 32 << 20
PAGE_SECONDS = 60.0
WAIT_SECONDS = 20.0  # for any single step
AGENT = "AI-Beast"

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What came: from where in the end, how it was called, with which headers (lower case)."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class WebLimits:
    """How much one page may be, in bytes, and how long it may take altogether, in seconds."""

    size: int = PAGE_BYTES
    seconds: float = PAGE_SECONDS


ORDINARY = WebLimits()


def judged(url: str) -> httpx.URL:
    """Return *url* as it is asked for, without its fragment.

    Raises:
        UsageError: If it is none of the web, or has a name and a password in it.
    """
    try:
        found = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as wrong:
        raise UsageError("this is no address of a page", subject=url[:200]) from wrong
    if found.userinfo:
        bare = found.copy_with(username=None, password=None)
        raise UsageError("an address with a password in it is not followed", subject=str(bare))
    if found.scheme not in {"http", "https"} or not found.host:
        raise UsageError("only pages of http and https can be fetched", subject=url[:200])
    return found.copy_with(fragment=None, path=found.path or "/")


class Web:
    """A way out to the web, for one page after the other; a context manager."""

    def __init__(
        self,
        allowed: Sequence[Network] = (),
        limits: WebLimits = ORDINARY,
        resolve: Resolve | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """Reach public addresses, and those in the networks *allowed*.

        Args:
            allowed: Networks that are not public, as of an intranet.
            limits: How much, how long.
            resolve: Returns the addresses of a name; as the system does if left out.
            clock: What time it is.
        """
        self._limits = limits
        self._backend = _Backend(allowed, resolve or _resolve, clock)
        transport = httpx.HTTPTransport(trust_env=False)
        context = httpx.create_ssl_context()
        # Each request on a connection of its own: between polite visits, a site closes it.
        transport._pool = httpcore.ConnectionPool(  # noqa: SLF001 - httpx has no door for it
            context, max_keepalive_connections=0, network_backend=self._backend
        )
        headers = {"user-agent": AGENT, "accept-encoding": "gzip"}
        self._client = httpx.Client(
            transport=transport, headers=headers, timeout=WAIT_SECONDS, trust_env=False
        )

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close its connections."""
        self._client.close()

    def get(
        self,
        url: str,
        may: Callable[[str], None] = lambda _: None,
        headers: Callable[[str], Mapping[str, str]] = lambda _: {},
        size: int | None = None,
    ) -> WebAnswer:
        """Fetch *url*, following redirects.

        Args:
            url: The page.
            may: Asked before each step; raises if it may not be taken.
            headers: What to say besides, for each step.
            size: How many bytes it may have; as the limits say if left out.

        Raises:
            DocumentError: If it cannot be fetched; says why.
            UsageError: If it is no address of a page.
        """
        self._backend.begin(self._limits.seconds)
        here = judged(url)
        for _ in range(REDIRECTS_MOST + 1):
            may(str(here))
            self._client.cookies.clear()
            try:
                with self._client.stream("GET", here, headers=headers(str(here))) as answer:
                    if "location" not in answer.headers or not answer.is_redirect:
                        content = body_of(answer, size or self._limits.size, self._backend.left)
                        return WebAnswer(
                            str(here), answer.status_code, dict(answer.headers), content
                        )
                    there = answer.headers["location"]
            except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as failed:
                raise DocumentError(_why(failed), subject=str(here)) from failed
            here = _next(here, there)
        raise DocumentError("it is redirected again and again", subject=url)


def _next(here: httpx.URL, there: str) -> httpx.URL:
    try:
        return judged(str(here.join(there)))
    except (UsageError, httpx.InvalidURL, ValueError) as wrong:
        raise DocumentError(f"it is redirected wrongly: {wrong}", subject=str(here)) from wrong


def _why(failed: Exception) -> str:
    if isinstance(failed, httpx.TimeoutException):
        return "it took too long"
    return f"it cannot be fetched: {str(failed) or type(failed).__name__}"


def _resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class _Backend(httpcore.NetworkBackend):
    """Makes connections to addresses that were checked, and to no others."""

    def __init__(self, allowed: Sequence[Network], resolve: Resolve, clock: Clock) -> None:
        self._allowed, self._resolve, self._clock = allowed, resolve, clock
        self._inner = httpcore.SyncBackend()
        self._end = float("inf")

    def begin(self, seconds: float) -> None:
        """Let everything from now on take *seconds* altogether."""
        self._end = self._clock.monotonic() + seconds

    def left(self, seconds: float | None = None) -> float:
        """Return how long the next step may take, at most *seconds*; raises when time is up."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise httpx.ReadTimeout("it took too long")
        return left if seconds is None else min(left, seconds)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError("it has no address")
        for address in self._addresses(host, port):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self.left(timeout), local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as wrong:
                failed = wrong
                continue
            peer = stream.get_extra_info("socket").getpeername()[0]
            if not may_connect(peer, self._allowed):
                stream.close()
                raise _inside(host)
            return _Stream(stream, self)
        raise failed

    def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of *host*, all of which may be connected to."""
        pool = ThreadPoolExecutor(1)
        try:  # the system's resolver knows no deadline
            found = pool.submit(self._resolve, host, port).result(self.left(WAIT_SECONDS))
        except TooLateError as late:
            raise httpcore.ConnectTimeout("its name could not be resolved in time") from late
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError("its name has no address") from unknown
        finally:
            pool.shutdown(wait=False)
        if not all(may_connect(address, self._allowed) for address in found):
            raise _inside(host)
        return found


def _inside(host: str) -> DocumentError:
    return DocumentError(
        "it lies in a network that is not public",
        subject=host,
        hint="If it shall be read all the same, allow its network: --allow-net CIDR",
    )


class _Stream(httpcore.NetworkStream):
    """A connection on which no step may outlast what is left for the whole."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Backend) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._backend.left(timeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
