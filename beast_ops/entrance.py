# SPDX-License-Identifier: Apache-2.0
"""Go in by the front door, as a visitor would: by name, over TLS where it speaks TLS.

The front door is the service that publishes ports. Where it publishes two, the first is for
plain requests and the last for TLS. A visitor on the host knocks at its address, whatever the
name resolves to.
"""

import asyncio
import base64
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from .card_parts import Route
from .cards import API, Service, Services
from .errors import NotDeployedError, UnavailableError

SECONDS = 8.0
HEAD_BYTES = 1 << 16
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is published, not bound
ROOT = Path("ca") / "ca.crt"

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)\b")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, the header fields, and what TLS showed.

    Attributes:
        status: The status of HTTP.
        headers: Header fields by their names in small letters.
        distrust: Why the certificate was not believed; empty if it was, or there was none.
        ends: When the certificate ends, if it was believed.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    distrust: str = ""
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where the front door of an installation is.

    Attributes:
        service: The service that is the front door.
        address: Where it is reached from its host.
        plain: Port for requests without TLS.
        secure: Port for TLS, if it speaks TLS.
        roots: File with the only roots to trust; those of the system if left out.
    """

    service: Service
    address: str
    plain: int
    secure: int | None
    roots: Path | None

    async def ask(
        self, host: str, path: str, *, login: str = "", token: str = "", tls: bool | None = None
    ) -> Answer:
        """Return what the front door answers to `GET path` for *host*.

        Args:
            host: The full name of a route.
            path: What is asked for.
            login: Name and password, joined by a colon.
            token: A token of the API, instead.
            tls: Whether TLS is spoken; wherever the front door speaks it if left out.

        Raises:
            UnavailableError: If there is no answer.
        """
        visit = _Visit(self.address, self.plain, host, _request(host, path, _word(login, token)))
        if self.secure is None or tls is False:
            return await visit.pay()
        visit = replace(visit, port=self.secure)
        trusting = ssl.create_default_context(cafile=self.roots)
        try:
            return await visit.pay(trusting)
        except ssl.SSLCertVerificationError as reason:
            distrust = reason.verify_message or str(reason)
        # Whoever shows it stands on this host: what is behind it can still be looked at.
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        return replace(await visit.pay(trusting), distrust=distrust)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One request on its way to one port."""

    address: str
    port: int
    host: str
    request: bytes

    async def pay(self, tls: ssl.SSLContext | None = None) -> Answer:
        """Knock, ask, and return the answer.

        Raises:
            UnavailableError: If there is none.
            SSLCertVerificationError: If the certificate is not believed.
        """
        try:
            async with asyncio.timeout(SECONDS):
                return await self._talk(tls)
        except ssl.SSLCertVerificationError:
            raise
        except TimeoutError:
            reason = f"no answer within {SECONDS:g} s"
        except (OSError, ValueError) as failed:
            reason = getattr(failed, "strerror", None) or str(failed)
        raise UnavailableError(
            f"the front door does not answer for {self.host}: {reason}",
            subject=f"{self.address}:{self.port}",
        )

    async def _talk(self, tls: ssl.SSLContext | None) -> Answer:
        reader, writer = await asyncio.open_connection(
            self.address,
            self.port,
            limit=HEAD_BYTES,
            ssl=tls,
            server_hostname=self.host if tls else None,
        )
        try:
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            return _answer(head, writer.get_extra_info("peercert") or {})
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as broken:
            raise ValueError("it broke off") from broken
        finally:
            writer.transport.abort()  # all is said; TLS would wait for a goodbye


def entrance(services: Services, secrets: Path) -> Entrance | None:
    """Return the front door of *services*, if there is one.

    Args:
        services: All services of a release.
        secrets: Where the root of the local authority lies, if it has one.
    """
    for service in services:
        if service.publish:
            first, last = service.publish[0], service.publish[-1]
            return Entrance(
                service=service,
                address=EVERYWHERE.get(first.address, first.address),
                plain=first.port,
                secure=last.port if len(service.publish) > 1 else None,
                roots=secrets / ROOT if service.certificate is not None else None,
            )
    return None


def login(secrets: Path, door: Service) -> str:
    """Return name and password that the *door* asks for, joined by a colon; empty if unknown."""
    folder = secrets / door.name
    try:
        name = (folder / "users").read_text(encoding="utf-8").partition(":")[0]
        password = (folder / "password").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return f"{name}:{password}"


def way(services: Services, route: Route) -> Literal["own", "basic", "forward"]:
    """Return how one logs in at *route*: with a password, if there is no API to ask."""
    if route.auth != "forward":
        return route.auth
    return "forward" if any(each.health.deep == API for each in services) else "basic"


def token(secrets: Path, services: Services) -> str:
    """Return the token of the API among *services*; empty if it cannot be read."""
    try:
        return (secrets / services.api().name / "token").read_text(encoding="utf-8").strip()
    except (OSError, NotDeployedError):
        return ""


def _word(login: str, token: str) -> str:
    """Return what is shown: the value of the header Authorization."""
    if token:
        return f"Bearer {token}"
    return f"Basic {base64.b64encode(login.encode()).decode()}" if login else ""


def _request(host: str, path: str, word: str) -> bytes:
    fields = [f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    if word:
        fields.append(f"Authorization: {word}")
    return "".join(f"{field}\r\n" for field in (*fields, "")).encode()


def _answer(head: bytes, certificate: Mapping[str, object]) -> Answer:
    first, *lines = head.split(b"\r\n")
    match = _STATUS.match(first)
    if match is None:
        raise ValueError("what it says is no HTTP")
    pairs = (line.decode("latin-1").partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    ends = certificate.get("notAfter")
    moment = ssl.cert_time_to_seconds(str(ends)) if ends else None
    return Answer(
        int(match[1]), headers, ends=datetime.fromtimestamp(moment, UTC) if moment else None
    )
