# SPDX-License-Identifier: Apache-2.0
"""What was made of sources, as it is kept; a result and the job that makes it have one id."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import MissingError
from beast_ops.jobs.model import Job, State

from .schema import RESULTS
from .store import Page

_of = RESULTS.c


class Making(StrEnum):
    """Where a result stands, as it is kept."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Result:
    """What is made of some sources of a notebook, or why it is not; `content` once it is done."""

    id: str
    notebook: str
    kind: str
    state: Making
    reason: str
    sources: tuple[str, ...]
    content: Mapping[str, Any] = field(default_factory=dict)
    created: float = 0.0
    changed: float = 0.0


class Results:
    """The results of all notebooks."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Keep them in *database*, which must be of the `SCHEMA`."""
        self._database, self._clock = database, clock

    def begin(self, key: str, notebook: str, kind: str, sources: Sequence[str]) -> Result:
        """Keep that something is to be made.

        Args:
            key: The id of the result.
            notebook: Whose it is.
            kind: What is made.
            sources: The ids of the sources that it is made of.

        Raises:
            MissingError: If there is no such notebook.
        """
        now = self._clock.now().timestamp()
        made = Result(key, notebook, kind, Making.PENDING, "", tuple(sources), {}, now, now)
        try:
            with self._database.writing() as table:
                table.execute(insert(RESULTS).values(_values(made)))
        except IntegrityError:
            raise MissingError("there is no such notebook", subject=notebook[:100]) from None
        return made

    def page(self, notebook: str, page: Page) -> tuple[list[Result], int]:
        """Return a part of the results of *notebook*, the newest first, and how many there are."""
        own = _of.notebook == notebook
        wanted = select(RESULTS).where(own).order_by(_of.created.desc(), _of.id)
        with self._database.reading() as table:
            rows = table.execute(wanted.limit(page.limit).offset(page.offset)).all()
            count = table.execute(select(func.count()).where(own)).scalar_one()
        return [_result(row) for row in rows], count

    def get(self, notebook: str, result: str) -> Result:
        """Return a result of *notebook*.

        Raises:
            MissingError: If it has none with that id.
        """
        wanted = select(RESULTS).where(_of.id == result, _of.notebook == notebook)
        with self._database.reading() as table:
            row = table.execute(wanted).one_or_none()
        if row is None:
            raise _missing(result)
        return _result(row)

    def pending(self) -> list[Result]:
        """Return all that is not known to have ended, the oldest first."""
        wanted = select(RESULTS).where(_of.state == Making.PENDING).order_by(_of.created)
        with self._database.reading() as table:
            return [_result(row) for row in table.execute(wanted)]

    def settle(self, result: Result) -> None:
        """Keep how *result* ended, if nobody has yet."""
        values = {**_values(result), "changed": self._clock.now().timestamp()}
        here = (_of.id == result.id, _of.state == Making.PENDING)
        with self._database.writing() as table:
            table.execute(update(RESULTS).where(*here).values(values))

    def delete(self, notebook: str, result: str) -> None:
        """Delete a result of *notebook*; raises as `get` does."""
        own = (_of.id == result, _of.notebook == notebook)
        with self._database.writing() as table:
            if not table.execute(delete(RESULTS).where(*own)).rowcount:
                raise _missing(result)


def ended(result: Result, job: Job) -> Result:
    """Return *result* as its *job* left it; as it is while that has not ended."""
    if job.state is State.DONE:
        return replace(result, state=Making.DONE, content=dict(job.result or {}))
    if job.state is State.FAILED:
        return replace(result, state=Making.FAILED, reason=job.error or "")
    if job.state is State.CANCELLED:
        return replace(result, state=Making.CANCELLED, reason="cancelled")
    return result


def lost(result: Result) -> Result:
    """Return *result* whose job nobody knows."""
    reason = "nothing is known of the job that was to make it; begin again"
    return replace(result, state=Making.FAILED, reason=reason)


def _values(result: Result) -> dict[str, Any]:
    plain = {column.name: getattr(result, column.name) for column in _of}
    json_ = {name: json.dumps(plain[name]) for name in ("sources", "content")}
    return {**plain, **json_}


def _result(row: Row[*tuple[Any, ...]]) -> Result:
    known = dict(row._mapping)  # noqa: SLF001 - its public name in SQLAlchemy
    sources, content = json.loads(known.pop("sources")), json.loads(known.pop("content"))
    state = Making(known.pop("state"))
    return Result(state=state, sources=tuple(sources), content=content, **known)


def _missing(result: str) -> MissingError:
    return MissingError(
        "the notebook has no such result",
        subject=result[:100],
        hint="GET /notebooks/{notebook}/transformations lists them.",
    )
