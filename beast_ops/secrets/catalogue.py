# SPDX-License-Identifier: Apache-2.0
"""Which secrets the release in force has, in which version, and who reads them."""

from collections.abc import Iterator
from dataclasses import dataclass

from beast_ops import keys
from beast_ops.cards import Secret, Service, Services, read_services
from beast_ops.errors import MissingError
from beast_ops.place import Place
from beast_ops.release.observe import current_release, read_record


@dataclass(frozen=True, slots=True)
class Entry:
    """One secret, without its value.

    Attributes:
        name: `owner/name`.
        service: The service whose secret it is.
        secret: How it rotates, and whether somebody gives it.
        version: How often it was rotated, and one.
        readers: Services that are handed it.
    """

    name: str
    service: Service
    secret: Secret
    version: int
    readers: tuple[str, ...]

    @property
    def own(self) -> str:
        """What its service calls it."""
        return self.name.partition("/")[2]

    def as_dict(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "rotate": self.secret.rotate,
            "given": self.secret.given,
            "version": self.version,
            "readers": list(self.readers),
        }


def entries(place: Place) -> list[Entry]:
    """Return every secret of the release in force at *place*.

    Raises:
        NotDeployedError: If nothing is deployed there.
        BeastError: If the versions are damaged.
    """
    services = read_services(place.require_deployed().services)
    release = current_release(place)
    record = read_record(place, release) if release else None
    readers: dict[str, list[str]] = {}
    for reader, _, owner, name in record.handovers if record else ():
        readers.setdefault(f"{owner}/{name}", []).append(reader)
    return list(_entries(services, keys.versions(place.secrets), readers))


def _entries(
    services: Services, versions: dict[str, int], readers: dict[str, list[str]]
) -> Iterator[Entry]:
    for service in services:
        for own, secret in service.secrets.items():
            name = f"{service.name}/{own}"
            found = tuple(dict.fromkeys(readers.get(name, ())))
            yield Entry(name, service, secret, versions.get(name, 1), found)


def find(place: Place, name: str) -> Entry:
    """Return the secret called *name* (`owner/name`); raises what `entries` does.

    Raises:
        MissingError: If there is none of that name.
    """
    known = entries(place)
    for entry in known:
        if entry.name == name:
            return entry
    raise MissingError(
        "no such secret",
        subject=name,
        hint=f"There are: {', '.join(entry.name for entry in known) or 'none'}",
    )


def value(place: Place, entry: Entry) -> str:
    """Return what the secret *entry* is now.

    Raises:
        BeastError: If it cannot be read, or is not set.
    """
    if entry.secret.given:
        return keys.read_secret(place.secrets / keys.GIVEN / entry.name)
    return keys.value(place.secrets, entry.name, entry.version)
