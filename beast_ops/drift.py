# SPDX-License-Identifier: Apache-2.0
"""What differs between the release in force and what is really there."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from . import keys
from .cards import Services, read_services
from .errors import NotDeployedError
from .place import Place
from .release.observe import Record, current_release, fingerprint, read_record
from .runtime import of
from .secret_files import FilledFile

Kind = Literal["file", "secret", "service"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the release says.

    Attributes:
        kind: What it is: a file, a secret, or a service.
        name: Its path below the root of the installation, or the name of the service.
        what: How it differs.
    """

    kind: Kind
    name: str
    what: str


def differences(place: Place) -> list[Difference]:
    """Return how what stands at *place* differs from the release in force; nothing is changed.

    Raises:
        NotDeployedError: If no release is in force, or its record is lost.
        UnavailableError: If what runs the services does not answer.
    """
    services = read_services(place.require_deployed().services)
    release = current_release(place)
    record = read_record(place, release) if release else None
    if record is None:
        raise NotDeployedError(
            "the record of the release in force is lost",
            subject=str(place.current),
            hint="Run: ./beast deploy",
        )
    return [*_files(place, record), *_secrets(place, record), *_services(place, services)]


def _files(place: Place, record: Record) -> Iterator[Difference]:
    for path, wanted in sorted(record.files.items()):
        found = fingerprint(place.root / path)
        if found != wanted:
            yield Difference("file", path, "was edited" if found else "is missing")


def _secrets(place: Place, record: Record) -> Iterator[Difference]:
    for item in (keys.Handover(*each) for each in record.handovers):
        if keys.missing(place.secrets, [item]):
            yield Difference("secret", f"secrets/{item.reader}/{item.file}", "is missing")
    for each in (FilledFile(*item) for item in record.filled):
        if keys.missing(place.secrets, [], filled=[each]):
            yield Difference("secret", f"secrets/{each.reader}/{each.file}", "is missing")


def _services(place: Place, services: Services) -> Iterator[Difference]:
    runtime = of(place)
    known = {each.name for each in services}
    for state in runtime.status(place):
        if state.name not in known:
            yield Difference("service", state.name, f"is not of this release, and {state.state}")
        elif state.state not in {"running", "starting"}:
            yield Difference("service", state.name, f"is {state.state}")
    for name, what in runtime.altered(place, services):
        yield Difference("service", name, what)
