# SPDX-License-Identifier: Apache-2.0
"""The outbox: one SQLite file into which all processes of an installation write what happened.

It lies among the data, beside the jobs, where containers and host find it. It is no part of a
backup: the numbers of events come from the clock, so that those in a new file are higher than
any that a client has seen in the old one.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, literal, select

from beast_ops.database import FAILURES, Database
from beast_ops.database.prepared import Prepared

from .model import Event
from .schema import EVENTS, SCHEMA

LOG = logging.getLogger("beast.events")
KEPT = 1000
SPARE = 100  # so many more may be there before the oldest are removed
MILLI = 1000

_of = EVENTS.c
_ADD = Prepared(
    insert(EVENTS).values({name: bindparam(name) for name in EVENTS.columns.keys()})  # noqa: SIM118 - no dictionary
)
_LAST = select(func.coalesce(func.max(_of.number), literal(0)))
_AFTER = select(EVENTS).where(_of.number > bindparam("after")).order_by(_of.number)
_NAMED = _of.name.startswith(bindparam("names"), autoescape=False)
_NEWEST = (
    select(EVENTS)
    .where(_NAMED)
    .order_by(_of.number.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_COUNT = select(func.count()).select_from(EVENTS).where(_NAMED)
_ALL = select(func.count()).select_from(EVENTS)
_OLD = select(_of.number).order_by(_of.number.desc()).limit(1).offset(bindparam("keep"))
_IDS = select(_of.id)
_FORGET = Prepared(delete(EVENTS).where(_of.number <= _OLD.scalar_subquery()))


def events_file(data: Path) -> Path:
    """Return where the outbox lies in the data generation *data*."""
    return data / "jobs" / "events.sqlite"


class Outbox:
    """The outbox in one file; safe for several threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open the file *path*, making it if it is missing.

        Raises:
            DatabaseError: If it cannot be used.
            OSError: If its folder cannot be made.
        """
        self._database = Database(path, SCHEMA)
        _give_away(path)
        self._added = 0

    def add(self, events: Iterable[Event]) -> None:
        """Keep *events*, in one step; of many, the last `KEPT` stay."""
        with self._database.writing() as table:
            self._insert(table, events)

    def add_new(self, events: Sequence[Event]) -> None:
        """Keep those of *events* that are not here, unless later ones have pushed them out."""
        with self._database.writing() as table:
            there = {row.id for row in table.execute(_IDS)}
            floor = table.execute(_OLD, {"keep": KEPT - 1}).scalar() or 0
            fresh = {
                each.id: each
                for each in events
                if each.id not in there and each.at * MILLI >= floor
            }
            if fresh:
                self._insert(table, fresh.values())

    def _insert(self, table: Connection, events: Iterable[Event]) -> None:
        last = int(table.execute(_LAST).scalar_one())
        for event in events:
            last = max(last + 1, int(event.at * MILLI))
            values = {name: getattr(event, name) for name in ("id", "name", "at", "source")}
            data = json.dumps(event.data, ensure_ascii=False, default=str)
            _ADD.say(table, {**values, "number": last, "data": data})
            self._added += 1
        if self._added >= SPARE or not last:
            self._added = 0
            _FORGET.say(table, {"keep": KEPT})

    def after(self, number: int) -> list[Event]:
        """Return the events that follow the one with *number*, the oldest first."""
        with self._database.reading() as table:
            return [_event(row) for row in table.execute(_AFTER, {"after": number})]

    def page(self, names: str, limit: int, offset: int) -> tuple[int, Sequence[Event]]:
        """Return how many events have names that begin with *names*, and some of them.

        Args:
            names: The beginning of names; all if empty.
            limit: How many at most, the newest first.
            offset: How many to leave out first.
        """
        with self._database.reading() as table:
            total = int(table.execute(_COUNT, {"names": names}).scalar_one())
            rows = table.execute(_NEWEST, {"names": names, "most": limit, "skip": offset})
            return total, [_event(row) for row in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self.close()


def quietly(path: Callable[[], Path]) -> Callable[[Event], None]:
    """Return what keeps an event in the file that *path* names just then, and never fails.

    What happened has happened: that it cannot be written down stops nobody.
    """

    def keep(event: Event) -> None:
        try:
            with Outbox(path()) as outbox:
                outbox.add([event])
        except (OSError, *FAILURES) as failed:
            LOG.warning("%s is not written down: %s", event.name, failed)

    return keep


def _give_away(path: Path) -> None:
    """Let whoever the folder of *path* belongs to write in what root has made there."""
    if os.getuid() != 0:
        return
    owner = path.parent.stat()
    for each in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))):
        with suppress(FileNotFoundError):
            # Whose the folder is may have put a link there, to what is not theirs.
            if each.lstat().st_uid != owner.st_uid:
                os.chown(each, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _event(row: Row[*tuple[Any, ...]]) -> Event:
    return Event(
        name=row.name,
        at=row.at,
        source=row.source,
        data=json.loads(row.data),
        id=row.id,
        number=row.number,
    )
