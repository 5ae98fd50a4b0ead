# SPDX-License-Identifier: Apache-2.0
"""Run some services of a release on other data, beside what runs: unseen, and gone afterwards.

A restore fills a vector store so before anything live is touched; a drill looks at all of them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from beast_ops.cards import Service, Services, read_services
from beast_ops.place import Place


@dataclass(frozen=True, slots=True)
class Ground:
    """What services run on that run aside.

    Attributes:
        place: The installation whose release is run; it is only read.
        release: Folder of that release.
        services: What the release runs.
        data: The data generation they see instead of theirs.
        secrets: The secrets they see instead of theirs.
        work: A folder of their own, for what they write besides.
    """

    place: Place
    release: Path
    services: Services
    data: Path
    secrets: Path
    work: Path


def sweep(place: Place) -> None:
    """Remove what a crash left aside; processes end by themselves, with who started them.

    Raises:
        BeastError: If what runs it does not answer, or nothing is deployed.
    """
    services = read_services(place.services)
    if services.runtime == "compose":
        from . import aside_containers

        aside_containers.sweep(services)


@contextmanager
def running(ground: Ground, wanted: list[Service]) -> Iterator[Mapping[str, str]]:
    """Run *wanted* aside, and yield the address of each by its name; they are gone afterwards.

    Raises:
        CommandError: If one does not come up.
        UnavailableError: If what runs them does not answer.
    """
    if not wanted:
        yield {}
    elif ground.services.runtime == "compose":
        from . import aside_containers

        with aside_containers.running(ground, wanted) as addresses:
            yield addresses
    else:
        from . import aside_processes

        with aside_processes.running(ground, wanted) as addresses:
            yield addresses
