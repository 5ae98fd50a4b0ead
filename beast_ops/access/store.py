# SPDX-License-Identifier: Apache-2.0
"""Tokens and sessions: asked in memory, kept in a file.

One process serves the API and is the only one that makes and revokes tokens here, so what it
remembers is what the file has: each change is written first. Others look tokens up, and note
when they were used (`book`).
"""

import hmac
import threading
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import ConflictError, MissingError

from .model import Principal, Scope, Session, Token, hashed, new_secret
from .rows import row_of, token_of
from .rules import EVERYTHING, ModelRules
from .schema import REVOKED, SESSIONS, TOKENS

USED_SECONDS = 60.0  # the last use is told to the minute
USED = (
    update(TOKENS)
    .where(TOKENS.c.hash == bindparam("which"))
    .where(func.coalesce(TOKENS.c.used, 0.0) < bindparam("moment"))
    .values(used=bindparam("moment"))
)


def access_file(data: Path) -> Path:
    """Return where the database of access lies in the data generation *data*."""
    return data / "api" / "access.sqlite"


class AccessStore:
    """The tokens and sessions of an installation."""

    def __init__(
        self, database: Database, origins: Collection[str] = (), clock: Clock = SYSTEM
    ) -> None:
        """Read what *database* has, which must be of the `SCHEMA`.

        Args:
            database: Where it is kept.
            origins: Keys of tokens that are kept elsewhere; sessions of others end.
            clock: What time it is.
        """
        self._database, self._clock = database, clock
        self._turn = threading.Lock()
        self._used: dict[str, float] = {}
        with database.reading() as table:
            rows = table.execute(select(TOKENS)).mappings().all()
            self._tokens = {row["hash"]: token_of(row) for row in rows}
            self._sessions = {
                row["hash"]: Session(**{**row, "scope": Scope[row["scope"].upper()]})
                for row in table.execute(select(SESSIONS)).mappings()
            }
        known = {*origins, *self._tokens}
        self._end([each for each in self._sessions.values() if each.origin not in known])

    def close(self) -> None:
        """Write what was not written yet; the database stays open."""
        self.flush()

    def create(
        self, name: str, scope: Scope, days: float | None, rules: ModelRules = EVERYTHING
    ) -> tuple[str, Token]:
        """Make a token, and return it with what is known of it; it is shown never again.

        Args:
            name: What it is called.
            scope: What it may.
            days: For how many days it is good; without end if `None`.
            rules: What it may ask of the model server.

        Raises:
            ConflictError: If there is one of that name.
        """
        secret, now = new_secret(), self._now()
        expires = None if days is None else now + days * 86_400
        token = Token(hashed(secret.encode()), name, scope, now, expires, rules=rules)
        try:
            with self._turn, self._database.writing() as table:
                table.execute(insert(TOKENS).values(**row_of(token)))
        except IntegrityError:
            raise ConflictError(
                "there is a token of this name",
                subject=name,
                hint=f"Take another name, or run: ./beast tokens.revoke {name}",
            ) from None
        self._tokens[token.hash] = token
        return secret, token

    def tokens(self) -> list[Token]:
        """Return all tokens by name, expired ones too, as they were used anywhere."""
        with self._database.reading() as table:
            rows = table.execute(select(TOKENS.c.hash, TOKENS.c.used)).all()
        for key, used in rows:
            if (known := self._tokens.get(key)) is not None and used is not None:
                known.used = max(used, known.used or 0.0)
        return sorted(self._tokens.values(), key=lambda token: token.name)

    def revoke(self, name: str) -> str:
        """Let a token open nothing from now on, nor the sessions it began; return its key.

        Raises:
            MissingError: If there is none of that name.
        """
        token = next((each for each in self._tokens.values() if each.name == name), None)
        if token is None:
            raise MissingError("no such token", subject=name, hint="See: ./beast tokens.list")
        with self._turn, self._database.writing() as table:
            table.execute(delete(TOKENS).where(TOKENS.c.hash == token.hash))
            table.execute(insert(REVOKED).values(hash=token.hash, at=self._now()))
        self._tokens.pop(token.hash, None)
        self._end([each for each in self._sessions.values() if each.origin == token.hash])
        return token.hash

    def token(self, secret: bytes) -> Principal | None:
        """Return whom the token *secret* shows, `None` if it is none, or its time is over."""
        key = hashed(secret)
        found = self._tokens.get(key)
        now = self._now()
        if found is None or not hmac.compare_digest(found.hash, key) or _over(found.expires, now):
            return None
        if found.used is None or now - found.used >= USED_SECONDS:
            found.used = self._used[key] = now
        return Principal(found.name, found.scope, "token", key, key, found.expires)

    def begin(self, principal: Principal, host: str, seconds: float) -> tuple[str, Session]:
        """Begin a session of *principal* at *host*, and return what the browser keeps.

        Args:
            principal: Whose it is; it does not outlive the token that it comes from.
            host: The host whose cookie it is, and where alone it counts.
            seconds: How long it lasts.
        """
        secret, now = new_secret(), self._now()
        ends = now + seconds
        if principal.expires is not None:
            ends = min(ends, principal.expires)
        session = Session(
            hashed(secret.encode()), principal.origin, principal.name, principal.scope, host, ends
        )
        self._end([each for each in self._sessions.values() if _over(each.expires, now)])
        with self._turn, self._database.writing() as table:
            table.execute(
                insert(SESSIONS).values(
                    hash=session.hash,
                    origin=session.origin,
                    name=session.name,
                    scope=session.scope.word,
                    host=host,
                    expires=ends,
                )
            )
        self._sessions[session.hash] = session
        return secret, session

    def session(self, secret: bytes, host: str) -> Principal | None:
        """Return whose session *secret* is at *host*, `None` if it is none, or over."""
        key = hashed(secret)
        found = self._sessions.get(key)
        if found is None or not hmac.compare_digest(found.hash, key):
            return None
        if found.host != host or _over(found.expires, self._now()):
            return None
        return Principal(found.name, found.scope, "session", key, found.origin, found.expires)

    def end(self, key: str) -> None:
        """End the session with that *key*, if it is there."""
        found = self._sessions.get(key)
        self._end([found] if found else [])

    def flush(self) -> None:
        """Write when tokens were used last."""
        used, self._used = self._used, {}
        if used:
            rows = [{"which": key, "moment": moment} for key, moment in used.items()]
            with self._turn, self._database.writing() as table:
                table.execute(USED, rows)

    def _end(self, sessions: list[Session]) -> None:
        if not sessions:
            return
        with self._turn, self._database.writing() as table:
            table.execute(
                delete(SESSIONS).where(SESSIONS.c.hash.in_([each.hash for each in sessions]))
            )
        for each in sessions:
            self._sessions.pop(each.hash, None)

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _over(expires: float | None, now: float) -> bool:
    return expires is not None and now >= expires
