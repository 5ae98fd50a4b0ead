# SPDX-License-Identifier: Apache-2.0
"""Sources as they are kept, and every step that one can take."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import ConflictError, MissingError

from .model import SOURCES_MOST, THERE, Source, Stage
from .schema import SOURCES
from .store import Page, touch

_of = SOURCES.c
_THERE = _of.state.in_(THERE)


class SourceRows:
    """The sources of all notebooks."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Keep them in *database*, which must be of the `SCHEMA`."""
        self._database, self._clock = database, clock

    def add(self, source: Source) -> None:
        """Keep a new source.

        Raises:
            ConflictError: If the notebook has a file of this name, or as many as it may have.
            MissingError: If there is no such notebook.
        """
        own = (_of.notebook == source.notebook, _THERE)
        with self._database.writing() as table:
            touch(table, source.notebook, self.now())
            count = table.execute(select(func.count()).where(*own)).scalar_one()
            same = select(_of.id).where(*own, _of.kind == "file", _of.name == source.name)
            if source.kind == "file" and table.execute(same).first():
                raise ConflictError(
                    "the notebook has a file of this name",
                    subject=source.name,
                    hint="Delete it first, or give this one another name.",
                )
            if count >= SOURCES_MOST:
                raise ConflictError(
                    f"a notebook has at most {SOURCES_MOST} sources",
                    subject=source.notebook,
                    hint="Begin another notebook.",
                )
            table.execute(insert(SOURCES).values(_values(source)))

    def page(self, notebook: str, page: Page) -> tuple[list[Source], int]:
        """Return a part of the sources of *notebook*, the newest first, and how many there are."""
        own = (_of.notebook == notebook, _THERE)
        wanted = select(SOURCES).where(*own).order_by(_of.created.desc(), _of.id)
        with self._database.reading() as table:
            rows = table.execute(wanted.limit(page.limit).offset(page.offset)).all()
            count = table.execute(select(func.count()).where(*own)).scalar_one()
        return [_source(row) for row in rows], count

    def get(self, notebook: str, source: str) -> Source:
        """Return a source of *notebook*.

        Raises:
            MissingError: If it has none with that id.
        """
        wanted = select(SOURCES).where(_of.id == source, _of.notebook == notebook, _THERE)
        with self._database.reading() as table:
            row = table.execute(wanted).one_or_none()
        if row is None:
            raise _missing(source)
        return _source(row)

    def at(self, *stages: Stage) -> list[Source]:
        """Return all that stand at one of *stages*, the oldest first."""
        wanted = select(SOURCES).where(_of.state.in_(stages)).order_by(_of.created, _of.id)
        with self._database.reading() as table:
            return [_source(row) for row in table.execute(wanted)]

    def gone(self, notebooks: Sequence[str]) -> list[Source]:
        """Return what was deleted in *notebooks*, and may still have passages."""
        wanted = select(SOURCES).where(_of.notebook.in_(notebooks), ~_THERE)
        with self._database.reading() as table:
            return [_source(row) for row in table.execute(wanted)]

    def step(self, source: Source, stage: Stage, **more: Any) -> bool:
        """Take *source* to *stage*, if it still stands where it stood; return whether it did."""
        values = {"state": stage, "changed": self.now(), **more}
        here = (_of.id == source.id, _of.state == source.stage, _of.job == source.job)
        with self._database.writing() as table:
            return bool(table.execute(update(SOURCES).where(*here).values(values)).rowcount)

    def leave(self, sources: Iterable[Source], job: str) -> None:
        """Note that *job* is to take the passages of *sources* away."""
        values = {"state": Stage.LEAVING, "job": job, "changed": self.now()}
        with self._database.writing() as table:
            for each in sources:
                here = (_of.id == each.id, _of.state == Stage.GONE)
                table.execute(update(SOURCES).where(*here).values(values))

    def delete(self, notebook: str, source: str) -> None:
        """Delete a source: it is gone from now on.

        Raises:
            MissingError: If *notebook* has none with that id.
        """
        own = (_of.id == source, _of.notebook == notebook, _THERE)
        with self._database.writing() as table:
            now = self.now()
            gone = update(SOURCES).where(*own).values(state=Stage.GONE, changed=now)
            if not table.execute(gone).rowcount:
                raise _missing(source)
            touch(table, notebook, now)

    def drop(self, sources: Iterable[Source]) -> None:
        """Forget *sources*: nothing of them is left anywhere."""
        ids = [each.id for each in sources]
        with self._database.writing() as table:
            table.execute(delete(SOURCES).where(_of.id.in_(ids)))

    def now(self) -> float:
        """Return what time it is, in seconds since the epoch."""
        return self._clock.now().timestamp()


def _values(source: Source) -> dict[str, Any]:
    fields = (column.name for column in _of)
    return {name: getattr(source, "stage" if name == "state" else name) for name in fields}


def _source(row: Row[*tuple[Any, ...]]) -> Source:
    known = dict(row._mapping)  # noqa: SLF001 - its public name in SQLAlchemy
    return Source(stage=Stage(known.pop("state")), **known)


def _missing(source: str) -> MissingError:
    return MissingError(
        "the notebook has no such source",
        subject=source[:100],
        hint="GET /notebooks/{notebook}/sources lists them.",
    )
