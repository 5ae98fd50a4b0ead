# SPDX-License-Identifier: Apache-2.0
"""The service card, and `services.json`: what Ansible renders and the library reads.

A card is what a role says of its service. A service is that card after the project joined it
with the others: addresses known, wants met, secrets versioned, a hash over all that would
restart it.
"""

from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError

from .errors import CardError, NotDeployedError
from .settings import Strict, explain

VERSION = 1
API = "api"
READABLE_VERSIONS = frozenset({VERSION})

DNS_LABEL = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

Name = Annotated[str, Field(pattern=DNS_LABEL, max_length=40)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Judge = Annotated[str, Field(pattern=r"^beast_ops(\.[a-z_]+)+:[A-Za-z]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]


def _is_file_variable(name: str) -> str:
    if not name.endswith("_FILE"):
        raise ValueError("must end in _FILE: a secret is handed over as a file, never as a value")
    return name


def _is_readable(version: int) -> int:
    if version not in READABLE_VERSIONS:
        raise ValueError("is not readable by this program")
    return version


def _is_address(text: str) -> str:
    found = urlsplit(text)
    if found.scheme not in {"http", "https"} or not found.hostname or " " in text:
        raise ValueError("must be an address such as http://127.0.0.1:11434")
    if found.port == 0:
        raise ValueError("must have a port between 1 and 65535")
    if found.username or found.password or found.query or found.fragment:
        raise ValueError("must hold no name, password or query: what it holds is no secret")
    return text


class Secret(Strict):
    """A secret of a service: how it rotates (`never` for keys that encrypt data)."""

    rotate: Literal["restart", "api", "never"] = "restart"


class State(Strict):
    """Data worth keeping: how it is backed up, where it lies, and the set it belongs to."""

    how: Literal["sqlite", "snapshot_api", "volume", "files"]
    volume: Identifier
    set: Identifier
    file: str | None = None


class Health(Strict):
    """How one sees that a service is well."""

    path: str | None = None
    status: int = 200
    seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    deep: Identifier | None = None


class Metrics(Strict):
    """Where metrics are, and which secret of the service opens them."""

    path: str
    key: Identifier | None = None


class Offer(Strict):
    """A capability others may use, its port, and the secret that opens it."""

    scheme: Literal["http", "https"] = "http"
    port: Port
    key: Identifier | None = None


class Want(Strict):
    """A capability this service uses, and the variables that receive address and key file."""

    url: Variable
    key: Annotated[Variable, AfterValidator(_is_file_variable)] | None = None
    optional: bool = False


class Card(Strict):
    """All that others may know of a service.

    `judge` names the model of this library that the service reads its settings.json with.
    """

    name: Name
    role: Identifier
    image: str | None = None
    port: Port | None = None
    process: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    external: Annotated[str, AfterValidator(_is_address)] | None = None
    optional: bool = False
    environment: dict[Variable, str] = {}
    config: dict[FileName, Any] = {}
    judge: Judge | None = None
    secrets: dict[Identifier, Secret] = {}
    volumes: tuple[Identifier, ...] = ()
    state: tuple[State, ...] = ()
    health: Health = Health()
    metrics: Metrics | None = None
    offers: dict[Identifier, Offer] = {}
    wants: dict[Identifier, Want] = {}


class Service(Strict):
    """One service of a release, joined with the others; holds no secret."""

    name: Name
    role: Identifier
    address: str | None
    external: bool
    optional: bool
    process: tuple[str, ...] | None
    environment: dict[Variable, str]
    volumes: tuple[Identifier, ...]
    state: tuple[State, ...]
    secrets: dict[Identifier, Secret]
    health: Health
    metrics: Metrics | None
    change: str


class Services(Strict):
    """The contract with the library: everything one release runs, in start order."""

    version: Annotated[
        int,
        AfterValidator(_is_readable),
        Field(json_schema_extra={"enum": sorted(READABLE_VERSIONS)}),
    ] = VERSION
    project: Name
    runtime: Literal["embedded", "compose"]
    root: str
    data: str
    services: tuple[Service, ...]

    def __iter__(self) -> Iterator[Service]:  # type: ignore[override] # fields are of no use here
        """Walk the services in start order."""
        return iter(self.services)

    def service(self, name: str) -> Service:
        """Return the service called *name*.

        Raises:
            CardError: If there is none.
        """
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise CardError("no such service", subject=name, hint=f"There are: {known}")

    def api(self) -> Service:
        """Return the service that is the API, as its deep check tells; it has an address.

        Raises:
            NotDeployedError: If there is none.
        """
        for service in self.services:
            if service.health.deep == API and service.address is not None:
                return service
        raise NotDeployedError(
            "this installation has no API",
            subject=self.root,
            hint="Add beast_api to beast_services, then run: ./beast deploy",
        )


def read_card(card: object) -> Card:
    """Return what a role contributed as a card.

    Raises:
        CardError: If it says more or less than a card may; the message names the field.
    """
    name = card.get("name", "?") if isinstance(card, dict) else "?"
    try:
        return Card.model_validate(card, strict=False)
    except ValidationError as wrong:
        raise CardError(explain(wrong), subject=f"card of {name}") from wrong


def read_services(path: Path) -> Services:
    """Return the services of the release that owns *path*.

    Raises:
        CardError: If the file is missing, of another version, or not what a release renders.
    """
    try:
        content = path.read_bytes()
    except OSError as missing:
        raise CardError(
            f"cannot read the services: {missing.strerror}",
            subject=str(path),
            hint="Run: ./beast deploy",
        ) from missing
    try:
        return Services.model_validate_json(content)
    except ValidationError as wrong:
        version = _version(content)
        if version in READABLE_VERSIONS:
            raise CardError(
                explain(wrong), subject=str(path), hint="Run: ./beast deploy"
            ) from wrong
        raise CardError(
            f"written as version {version}, readable are {sorted(READABLE_VERSIONS)}",
            subject=str(path),
            hint="Use the program that wrote it, or run: ./beast deploy",
        ) from wrong


def _version(content: bytes) -> int:
    """Return the version *content* was written as; ours, if it does not even tell that."""
    try:
        found = loads(content)["version"]
    except (ValueError, KeyError, TypeError):
        return VERSION
    return found if type(found) is int else VERSION
