# SPDX-License-Identifier: Apache-2.0
"""Notebooks as they are kept: made, listed, changed, deleted."""

import uuid
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import ConflictError, MissingError

from .model import THERE, Notebook, Stage
from .schema import NOTEBOOKS, SOURCES

_of = NOTEBOOKS.c
_sources = (
    select(func.count())
    .where(SOURCES.c.notebook == _of.id, SOURCES.c.state.in_(THERE))
    .scalar_subquery()
)
_COLUMNS = (_of.id, _of.name, _of.description, _sources, _of.created, _of.changed)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: how many to skip, and how many to show at most."""

    limit: int = 20
    offset: int = 0


class Notebooks:
    """The notebooks of an installation."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Keep them in *database*, which must be of the `SCHEMA`."""
        self._database, self._clock = database, clock

    def create(self, name: str, description: str = "") -> Notebook:
        """Make a notebook.

        Raises:
            ConflictError: If there is one of that name.
        """
        now, key = self._now(), uuid.uuid4().hex
        row = {**_named(name, description), "id": key, "created": now, "changed": now}
        try:
            with self._database.writing() as table:
                table.execute(insert(NOTEBOOKS).values(row))
        except IntegrityError:
            raise _taken(name) from None
        return Notebook(key, name, description, 0, now, now)

    def page(self, page: Page, search: str = "") -> tuple[list[Notebook], int]:
        """Return a part of the notebooks, the newest change first, and how many there are in all.

        Args:
            page: Which part.
            search: What must stand in name or description, whatever the case of its letters.
        """
        fits = _of.folded.contains(search.casefold(), autoescape=True)
        wanted = select(*_COLUMNS).where(fits).order_by(_of.changed.desc(), _of.id)
        with self._database.reading() as table:
            rows = table.execute(wanted.limit(page.limit).offset(page.offset)).all()
            count = select(func.count()).select_from(NOTEBOOKS).where(fits)
            return [_notebook(row) for row in rows], table.execute(count).scalar_one()

    def get(self, notebook: str) -> Notebook:
        """Return the notebook with that id.

        Raises:
            MissingError: If there is none.
        """
        with self._database.reading() as table:
            return _notebook(_found(table, notebook))

    def find(self, name: str) -> Notebook:
        """Return the notebook with that id, else the one of that name; raises as `get` does."""
        with self._database.reading() as table:
            either = select(*_COLUMNS).where((_of.id == name) | (_of.name == name))
            rows = table.execute(either.order_by(_of.id != name)).all()
        if not rows:
            raise _missing(name)
        return _notebook(rows[0])

    def update(self, notebook: str, name: str | None, description: str | None) -> Notebook:
        """Change what is given.

        Raises:
            ConflictError: If there is another of that name.
            MissingError: If there is none with that id.
        """
        try:
            with self._database.writing() as table:
                old = _notebook(_found(table, notebook))
                name = old.name if name is None else name
                description = old.description if description is None else description
                values = {**_named(name, description), "changed": self._now()}
                table.execute(update(NOTEBOOKS).where(_of.id == notebook).values(values))
                return _notebook(_found(table, notebook))
        except IntegrityError:
            raise _taken(str(name)) from None

    def delete(self, notebook: str) -> None:
        """Delete a notebook with all that is its own; its sources are gone from now on.

        Raises:
            MissingError: If there is none with that id.
        """
        with self._database.writing() as table:
            _found(table, notebook)
            table.execute(
                update(SOURCES)
                .where(SOURCES.c.notebook == notebook, SOURCES.c.state.in_(THERE))
                .values(state=Stage.GONE, changed=self._now())
            )
            table.execute(delete(NOTEBOOKS).where(_of.id == notebook))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def touch(table: Connection, notebook: str, now: float) -> None:
    """Note that *notebook* changed *now*.

    Raises:
        MissingError: If it is not there.
    """
    done = table.execute(update(NOTEBOOKS).where(_of.id == notebook).values(changed=now))
    if not done.rowcount:
        raise _missing(notebook)


def _named(name: str, description: str) -> dict[str, Any]:
    folded = f"{name}\n{description}".casefold()
    return {"name": name, "description": description, "folded": folded}


def _found(table: Connection, notebook: str) -> Row[*tuple[Any, ...]]:
    row = table.execute(select(*_COLUMNS).where(_of.id == notebook)).one_or_none()
    if row is None:
        raise _missing(notebook)
    return row


def _notebook(row: Row[*tuple[Any, ...]]) -> Notebook:
    return Notebook(*row)


def _missing(notebook: str) -> MissingError:
    return MissingError(
        "there is no such notebook", subject=notebook[:100], hint="GET /notebooks lists them."
    )


def _taken(name: str) -> ConflictError:
    return ConflictError(
        "there is a notebook of this name", subject=name, hint="Choose another name."
    )
