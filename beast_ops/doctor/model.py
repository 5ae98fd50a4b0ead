# SPDX-License-Identifier: Apache-2.0
"""A diagnosis, and what all looks are made at."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from beast_ops.cards import Service, Services, read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError
from beast_ops.place import Place
from beast_ops.release.observe import Record, current_release, read_record

Severity = Literal["problem", "warning"]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that is wrong.

    Attributes:
        id: Its stable name, such as BEAST-D101.
        title: What it is called.
        subject: What it is about: a path below the root, a service, or nothing.
        evidence: What was seen.
        cause: Why that is so, most likely.
        next_step: What to do now.
        severity: Whether it stands in the way, or may one day.
        fixable: Whether `doctor --fix` can mend it.
    """

    id: str
    title: str
    subject: str
    evidence: str
    cause: str
    next_step: str
    severity: Severity
    fixable: bool


@dataclass(frozen=True, slots=True)
class Check:
    """What is known of a diagnosis before anybody looks; the fields are those of `Diagnosis`."""

    id: str
    title: str
    cause: str
    next_step: str
    severity: Severity = "problem"
    fixable: bool = False

    def found(self, evidence: str, subject: str = "") -> Diagnosis:
        """Return the diagnosis that *evidence* about *subject* gives."""
        return Diagnosis(
            id=self.id,
            title=self.title,
            subject=subject,
            evidence=evidence,
            cause=self.cause,
            next_step=self.next_step,
            severity=self.severity,
            fixable=self.fixable,
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """What all looks are made at, read once.

    Attributes:
        place: The installation.
        release: Name of the release in force, if one is.
        record: Its record, if it is readable.
        services: Its services; `None` if they cannot be read.
        clock: Where time comes from.
    """

    place: Place
    release: str | None
    record: Record | None
    services: Services | None
    clock: Clock = SYSTEM

    @property
    def composed(self) -> bool:
        """Whether it runs in containers."""
        return self.services is not None and self.services.runtime == "compose"

    @property
    def ours(self) -> tuple[Service, ...]:
        """The services we run ourselves."""
        return tuple(each for each in self.services or () if not each.external)

    @property
    def uid(self) -> int:
        """Who the installation belongs to."""
        return self.place.root.stat().st_uid if self.place.root.exists() else os.geteuid()


Look = Callable[[Scene], Iterator[Diagnosis]]


def scene(place: Place, clock: Clock = SYSTEM) -> Scene:
    """Return *place* as it is now; what cannot be read is missing."""
    release = current_release(place)
    try:
        services = read_services(place.services) if release else None
    except (BeastError, OSError):
        services = None
    return Scene(place, release, read_record(place, release) if release else None, services, clock)
