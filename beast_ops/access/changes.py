# SPDX-License-Identifier: Apache-2.0
"""Who changed what, and when: said in the log at once, and kept in the database soon after.

A record has the name, never the token; the path, never the query or the body.
"""

import logging
import threading
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, insert, select

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database

from .schema import CHANGES

LOG = logging.getLogger("beast.audit")
KEPT = 100_000


@dataclass(frozen=True, slots=True)
class Change:
    """One change that somebody asked for, and how it was answered."""

    at: float
    who: str
    client: str
    method: str
    path: str
    status: int


class Changes:
    """The record of changes."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Keep it in *database*."""
        self._database, self._clock = database, clock
        self._turn = threading.Lock()
        self._new: list[Change] = []

    def note(self, who: str, client: str, method: str, path: str, status: int) -> None:
        """Note a change; it is in the database after the next `flush`."""
        change = Change(self._clock.now().timestamp(), who, client, method, path, status)
        LOG.info("%s from %s: %s %r %d", who, client, method, path, status)
        self._new.append(change)

    def flush(self) -> None:
        """Write what is new, and let go of what is oldest."""
        with self._turn:
            new, self._new = self._new, []
            if not new:
                return
            try:
                with self._database.writing() as table:
                    table.execute(insert(CHANGES), [asdict(change) for change in new])
                    newest = table.execute(select(func.max(CHANGES.c.id))).scalar_one()
                    table.execute(delete(CHANGES).where(CHANGES.c.id <= newest - KEPT))
            except BaseException:
                self._new = (new + self._new)[-KEPT:]  # for the next time
                raise

    def newest(self, limit: int, before: int | None = None) -> list[dict[str, Any]]:
        """Return the newest changes, or those *before* one, the newest first."""
        self.flush()
        wanted = select(CHANGES).order_by(CHANGES.c.id.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(CHANGES.c.id < before)
        with self._database.reading() as table:
            return [dict(row) for row in table.execute(wanted).mappings()]
