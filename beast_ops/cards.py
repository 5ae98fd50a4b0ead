# SPDX-License-Identifier: Apache-2.0
"""The service card, and `services.json`: what Ansible renders and the library reads.

A card is what a role says of its service. A service is that card after the project joined it
with the others: addresses known, wants met, secrets versioned, a hash over all that would
restart it.
"""

from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from .card_parts import (
    DNS_LABEL,
    AbsolutePath,
    Address,
    Argv,
    Digest,
    FileName,
    Gathered,
    Health,
    Host,
    Identifier,
    Image,
    Judge,
    Metrics,
    Name,
    Offer,
    Port,
    Publish,
    RelativePath,
    Resources,
    Route,
    Secret,
    State,
    User,
    Variable,
    Want,
)
from .errors import CardError, NotDeployedError
from .settings import Strict, explain

__all__ = [
    "DNS_LABEL",
    "Card",
    "Health",
    "Metrics",
    "Offer",
    "Port",
    "Secret",
    "Service",
    "Services",
    "State",
    "Want",
    "read_card",
    "read_services",
]

VERSION = 2
API = "api"
SHARED = "default"  # as Compose calls the network that everybody is in
READABLE_VERSIONS = frozenset({1, VERSION})


def _is_readable(version: int) -> int:
    if version not in READABLE_VERSIONS:
        raise ValueError("is not readable by this program")
    return version


class Card(Strict):
    """All that others may know of a service; `docs/reference/cards.md` explains each field.

    `judge` names the model of this library that the service reads its settings.json with.
    """

    name: Name
    role: Identifier
    # What runs: a process of the embedded runtime, a container, or something that is elsewhere.
    process: Argv | None = None
    image: Image | None = None
    digest: Digest | None = None
    ladder: tuple[str, ...] = ()
    ours: bool = False
    command: tuple[str, ...] | None = None
    entrypoint: Argv | None = None
    external: Address | None = None
    place: Literal["container", "host"] = "container"
    optional: bool = False
    # What it reads.
    environment: dict[Variable, str] = {}
    config: dict[FileName, Any] = {}
    config_path: AbsolutePath | None = None
    judge: Judge | None = None
    live: dict[RelativePath, FileName] = {}
    live_path: AbsolutePath | None = None
    values: dict[Identifier, Any] = {}
    gathers: tuple[Gathered, ...] = ()
    reload: Literal["HUP"] | None = None
    check: Argv | None = None
    secrets: dict[Identifier, Secret] = {}
    secret_files: dict[FileName, str] = {}
    certificate: tuple[str, ...] | None = None
    acme: Literal["http", "dns"] | None = None
    # What it keeps and how it is seen.
    volumes: dict[Identifier, AbsolutePath] = {}
    state: tuple[State, ...] = ()
    models: tuple[str, ...] = ()
    health: Health = Health()
    metrics: Metrics | None = None
    alerts: tuple[FileName, ...] = ()
    dashboards: tuple[FileName, ...] = ()
    # How others reach it.
    port: Port | None = None
    container_port: Port | None = None
    networks: Annotated[tuple[Identifier, ...], Field(min_length=1)] = (SHARED,)
    offers: dict[Identifier, Offer] = {}
    wants: dict[Identifier, Want] = {}
    route: Route | None = None
    publish: tuple[Publish, ...] = ()
    # What it may do and take.
    user: User | None = None
    read_only: bool = True
    tmpfs: tuple[AbsolutePath, ...] = ("/tmp",)  # noqa: S108 - a path inside a container
    caps: tuple[Annotated[str, Field(pattern=r"^[A-Z_]+$")], ...] = ()
    resources: Resources = Resources()
    gpu: bool = False
    host: Host = Host()
    exceptions: dict[Identifier, str] = {}

    @property
    def contained(self) -> bool:
        """Whether a container can run it."""
        return self.image is not None or self.ours

    @property
    def inner_port(self) -> int | None:
        """The port it listens on inside its container."""
        return self.container_port or self.port

    @property
    def given(self) -> tuple[str, ...]:
        """The secrets that are not derived, as `owner/name`."""
        return tuple(f"{self.name}/{own}" for own, each in self.secrets.items() if each.given)

    @model_validator(mode="after")
    def _gives_its_reasons(self) -> Self:
        broken = {
            "privileged": self.host.privileged,
            "pid": self.host.pid,
            "devices": bool(self.host.devices),
            "mounts": bool(self.host.mounts),
            "read_only": self.contained and not self.read_only,
            "root": self.contained and (self.user or "0:0").startswith("0:"),
        }
        for rule, breaks in broken.items():
            if breaks and not self.exceptions.get(rule):
                raise ValueError(f"breaks the rule {rule} and gives no reason in exceptions")
        return self


class Service(Strict):
    """One service of a release, joined with the others; holds no secret.

    `address` is where this host reaches it, `inside` where other containers do.
    """

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
    place: Literal["container", "host"] = "container"
    image: str | None = None
    ours: bool = False
    inside: str | None = None
    user: User | None = None
    config: str | None = None
    models: tuple[str, ...] = ()
    route: Route | None = None
    publish: tuple[Publish, ...] = ()
    certificate: tuple[str, ...] | None = None
    ports: tuple[Port, ...] = ()
    gpu: bool = False
    reload: str | None = None
    check: tuple[str, ...] | None = None

    @property
    def contained(self) -> bool:
        """Whether a container runs it."""
        return self.image is not None


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
    domain: str | None = None
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
