# SPDX-License-Identifier: Apache-2.0
"""Versions of models: kept, listed, verified, and put back, with no content on the disk twice."""

from dataclasses import dataclass, replace
from pathlib import Path

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError, ModelError

from .shelf import CHARACTERS, Shelf, Version
from .subjects import Subject

KEEP = 5
LATER_SECONDS = 1e-3  # a version is newer than all before, whatever the clock says


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did.

    Attributes:
        now: The version that is in force.
        before: What was there before, kept; `None` if there was nothing.
    """

    now: Version
    before: Version | None


class Versions:
    """The versions of all models; safe for several processes."""

    def __init__(self, folder: Path, clock: Clock = SYSTEM, keep: int = KEEP) -> None:
        """Have the newest *keep* of each model in *folder*."""
        self._shelf, self._clock, self._keep = Shelf(folder), clock, keep

    def all(self, model: str = "") -> list[Version]:
        """Return the versions, the newest of each model first; only of *model* if it is given."""
        return self._shelf.all(model)

    def get(self, model: str, version: str) -> Version:
        """Return a version of *model*; the beginning of its SHA-256 is enough.

        Raises:
            MissingError: If there is none, or there are several that begin so.
        """
        return self._shelf.get(model, version)

    def path(self, sha256: str) -> Path:
        """Return where the content *sha256* lies; it must not be written to."""
        return self._shelf.blob(sha256)

    def verify(self, version: Version) -> list[str]:
        """Return the SHA-256 of those contents of *version* that are missing or damaged."""
        return self._shelf.damaged(version)

    def snapshot(self, subject: Subject) -> Version:
        """Keep *subject* as it is now; what is kept already becomes the newest version.

        Raises:
            MissingError: If it is not there.
            ModelError: If it is damaged.
            ConflictError: If it is being changed.
            BusyError: If somebody else is at the versions.
        """
        with self._shelf.locked():
            version = self._kept(subject)
            self._retain(subject.model)
            return version

    def rollback(self, subject: Subject, wanted: str = "") -> RolledBack:
        """Put a version of *subject* back, after keeping what is there.

        Args:
            subject: The model.
            wanted: The version; the newest that is not in force if left out.

        Raises:
            MissingError: If there is no such version.
            ModelError: If the version is damaged: nothing is changed then.
            ConflictError: If the model is being changed.
            BusyError: If somebody else is at the versions.
        """
        with self._shelf.locked():
            version = self._shelf.get(subject.model, wanted) if wanted else None
            try:
                before = self._kept(subject)
            except MissingError:
                before = None
            version = version or self._previous(subject.model, before)
            if damaged := self._shelf.damaged(version):
                raise _damaged(version, damaged)
            subject.restore(self._shelf, version)
            version = replace(version, kept=self._now(subject.model))
            self._shelf.record(version)
            self._retain(subject.model)
            return RolledBack(version, before)

    def delete(self, model: str, wanted: str) -> Version:
        """Forget a version of *model*; return it.

        Raises:
            MissingError: If there is none, or there are several that begin so.
            BusyError: If somebody else is at the versions.
        """
        with self._shelf.locked():
            version = self._shelf.get(model, wanted)
            self._shelf.forget(version)
            self._shelf.sweep()
            return version

    def _kept(self, subject: Subject) -> Version:
        self._shelf.sweep()  # what an interrupted change left
        parts = subject.parts()
        subject.keep(self._shelf, parts)
        sha256 = parts[0][1].sha256
        version = Version(
            model=subject.model,
            version=sha256[:CHARACTERS],
            sha256=sha256,
            kind=subject.kind,
            kept=self._now(subject.model),
            parts=tuple(part for _, part in parts),
        )
        self._shelf.record(version)
        return version

    def _previous(self, model: str, current: Version | None) -> Version:
        for each in self._shelf.all(model):
            if current is None or each.sha256 != current.sha256:
                return each
        raise MissingError(
            "there is no other version of this model",
            subject=model,
            hint=f"Keep one before the next change: ./beast models.snapshot {model}",
        )

    def _retain(self, model: str) -> None:
        for each in self._shelf.all(model)[self._keep :]:
            self._shelf.forget(each)
        self._shelf.sweep()

    def _now(self, model: str) -> float:
        newest = max((each.kept for each in self._shelf.all(model)), default=0.0)
        return max(self._clock.now().timestamp(), newest + LATER_SECONDS)


def _damaged(version: Version, parts: list[str]) -> ModelError:
    return ModelError(
        "this version is damaged, and was not put back",
        subject=f"{version.model} {version.version}: sha256 {', '.join(parts)}",
        hint="Delete it with models.forget, and pull the model again.",
    )
