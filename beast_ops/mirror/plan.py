# SPDX-License-Identifier: Apache-2.0
"""What has to be sent and removed so that a knowledge base holds what a collection holds; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of ours in a knowledge base: its id there, and which document it is."""

    file: str
    source: str
    version: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done.

    Attributes:
        new: Sources that are not there.
        changed: Sources that are there in another version.
        stale: Files that go, once what takes their place is there, by source.
        same: How many documents stay as they are.
    """

    new: tuple[str, ...]
    changed: tuple[str, ...]
    stale: Mapping[str, tuple[str, ...]]
    same: int

    @property
    def gone(self) -> tuple[str, ...]:
        """Sources whose files go, and nothing takes their place."""
        return tuple(each for each in self.stale if each not in self.changed)


def changes(wanted: Mapping[str, str], there: Iterable[Kept]) -> Changes:
    """Return what makes *there* hold exactly the documents *wanted*, versions by source.

    A document that is there twice, as after a run that was cut off, stays once.
    """
    good: set[str] = set()
    stale: dict[str, list[str]] = {}
    known: set[str] = set()
    for each in there:
        known.add(each.source)
        if wanted.get(each.source) == each.version and each.source not in good:
            good.add(each.source)
        else:
            stale.setdefault(each.source, []).append(each.file)
    left = [source for source in wanted if source not in good]
    return Changes(
        new=tuple(source for source in left if source not in known),
        changed=tuple(source for source in left if source in known),
        stale={source: tuple(files) for source, files in stale.items()},
        same=len(good),
    )
