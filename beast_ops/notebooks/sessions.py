# SPDX-License-Identifier: Apache-2.0
"""Conversations as they are kept: about a notebook, or about a whole collection."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import ConflictError, MissingError

from .schema import MESSAGES, SESSIONS
from .store import Page

MESSAGES_MOST = 1000  # in one session
TITLE_CHARACTERS = 100

_of = SESSIONS.c
_count = (
    select(func.count()).where(MESSAGES.c.session == _of.id).correlate(SESSIONS).scalar_subquery()
)
_COLUMNS = (_of.id, _of.notebook, _of.collection, _of.title, _count, _of.created, _of.changed)


class Saying(StrEnum):
    """Where a message stands."""

    ANSWERING = "answering"
    DONE = "done"
    CUT = "cut"  # whoever asked left, or the process ended
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation; about `notebook` if it is one's, else about `collection`."""

    id: str
    notebook: str | None
    collection: str
    title: str
    messages: int
    created: float
    changed: float


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said; `about` is what an answer stands on, and what it cites."""

    id: int
    session: str
    role: str
    text: str
    state: Saying
    about: Mapping[str, Any] = field(default_factory=dict)
    created: float = 0.0


class Sessions:
    """The conversations of an installation."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Keep them in *database*, which must be of the `SCHEMA`."""
        self._database, self._clock = database, clock

    def begin(self, notebook: str | None, collection: str, title: str) -> Session:
        """Begin a conversation.

        Raises:
            MissingError: If there is no such notebook.
        """
        key, now = uuid.uuid4().hex, self._now()
        row = {"id": key, "notebook": notebook, "collection": collection, "title": title}
        try:
            with self._database.writing() as table:
                table.execute(insert(SESSIONS).values(**row, created=now, changed=now))
        except IntegrityError:
            raise MissingError("there is no such notebook", subject=str(notebook)[:100]) from None
        return Session(key, notebook, collection, title, 0, now, now)

    def page(self, page: Page, notebook: str | None = None) -> tuple[list[Session], int]:
        """Return a part of the conversations, the newest first, and how many there are.

        Args:
            page: Which part.
            notebook: Only those about this one; those about no notebook if left out.
        """
        fits = _of.notebook.is_(None) if notebook is None else _of.notebook == notebook
        wanted = select(*_COLUMNS).where(fits).order_by(_of.changed.desc(), _of.id)
        with self._database.reading() as table:
            rows = table.execute(wanted.limit(page.limit).offset(page.offset)).all()
            count = select(func.count()).select_from(SESSIONS).where(fits)
            return [Session(*row) for row in rows], table.execute(count).scalar_one()

    def get(self, session: str) -> Session:
        """Return the conversation with that id.

        Raises:
            MissingError: If there is none.
        """
        with self._database.reading() as table:
            row = table.execute(select(*_COLUMNS).where(_of.id == session)).one_or_none()
        if row is None:
            raise _missing(session)
        return Session(*row)

    def delete(self, session: str) -> None:
        """Delete a conversation with all that was said; raises as `get` does."""
        with self._database.writing() as table:
            if not table.execute(delete(SESSIONS).where(_of.id == session)).rowcount:
                raise _missing(session)

    def messages(self, session: str, page: Page) -> tuple[list[Message], int]:
        """Return a part of what was said, the oldest first, and how much that is in all."""
        own = MESSAGES.c.session == session
        wanted = select(MESSAGES).where(own).order_by(MESSAGES.c.id)
        with self._database.reading() as table:
            rows = table.execute(wanted.limit(page.limit).offset(page.offset)).all()
            count = table.execute(select(func.count()).where(own)).scalar_one()
        return [_message(row) for row in rows], count

    def newest(self, session: str, most: int) -> list[Message]:
        """Return the newest messages, at most so many, the oldest of them first."""
        wanted = select(MESSAGES).where(MESSAGES.c.session == session)
        with self._database.reading() as table:
            rows = table.execute(wanted.order_by(MESSAGES.c.id.desc()).limit(most)).all()
        return [_message(row) for row in reversed(rows)]

    def ask(self, session: str, question: str, about: Mapping[str, Any]) -> tuple[int, int]:
        """Keep a question whose answer has begun; return the numbers of both.

        Args:
            session: In which conversation; it is called by its first question.
            question: What was asked.
            about: What the answer stands on.

        Raises:
            MissingError: If the conversation was deleted meanwhile.
        """
        now, title = self._now(), question[:TITLE_CHARACTERS]
        with self._database.writing() as table:
            named = func.coalesce(func.nullif(_of.title, ""), title)
            touched = update(SESSIONS).where(_of.id == session)
            if not table.execute(touched.values(changed=now, title=named)).rowcount:
                raise _missing(session)
            rows: tuple[tuple[str, str, Saying, Mapping[str, Any]], ...] = (
                ("user", question, Saying.DONE, {}),
                ("assistant", "", Saying.ANSWERING, about),
            )
            said = [
                table.execute(
                    insert(MESSAGES).values(
                        session=session,
                        role=role,
                        text=text,
                        state=state,
                        about=json.dumps(dict(known)),
                        created=now,
                    )
                ).inserted_primary_key
                for role, text, state, known in rows
            ]
        asked, answer = (int(key[0]) for key in said if key is not None)
        return asked, answer

    def end(self, message: int, text: str, state: Saying, about: Mapping[str, Any]) -> None:
        """Keep how an answer ended; nothing if its conversation was deleted."""
        values = {"text": text, "state": state, "about": json.dumps(dict(about))}
        with self._database.writing() as table:
            table.execute(update(MESSAGES).where(MESSAGES.c.id == message).values(values))

    def resume(self) -> None:
        """Note what an earlier process left in the middle; for the start of this one."""
        left = MESSAGES.c.state == Saying.ANSWERING
        with self._database.writing() as table:
            table.execute(update(MESSAGES).where(left).values(state=Saying.CUT))

    def _now(self) -> float:
        return self._clock.now().timestamp()


def refuse_full(session: Session) -> None:
    """Return if there is room for another question.

    Raises:
        ConflictError: If there is none.
    """
    if session.messages >= MESSAGES_MOST:
        raise ConflictError(
            f"a session has at most {MESSAGES_MOST} messages",
            subject=session.id,
            hint="Begin another session.",
        )


def _message(row: Row[*tuple[Any, ...]]) -> Message:
    known = dict(row._mapping)  # noqa: SLF001 - its public name in SQLAlchemy
    about = json.loads(known.pop("about"))
    return Message(state=Saying(known.pop("state")), about=about, **known)


def _missing(session: str) -> MissingError:
    return MissingError(
        "there is no such session", subject=session[:100], hint="Begin one in its notebook."
    )
