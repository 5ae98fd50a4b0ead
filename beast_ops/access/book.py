# SPDX-License-Identifier: Apache-2.0
"""Look tokens up beside the process that makes them: what it revokes is refused at once."""

import hmac
import threading

from sqlalchemy import select

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database

from .model import Token, hashed
from .rows import token_of
from .schema import TOKENS
from .store import USED, USED_SECONDS


class TokenBook:
    """The tokens in a database that another process changes; for any thread."""

    def __init__(self, database: Database, clock: Clock = SYSTEM) -> None:
        """Look into *database*, which must be of the `SCHEMA`."""
        self._database, self._clock = database, clock
        self._turn = threading.Lock()
        self._used: dict[str, float] = {}

    def find(self, secret: bytes) -> Token | None:
        """Return the token *secret*, `None` if it is none, or its time is over.

        Raises:
            DatabaseError: If the database cannot be read.
        """
        key = hashed(secret)
        with self._database.reading() as table:
            row = table.execute(select(TOKENS).where(TOKENS.c.hash == key)).mappings().first()
        if row is None or not hmac.compare_digest(row["hash"], key):
            return None
        token, now = token_of(row), self._clock.now().timestamp()
        if token.expires is not None and now >= token.expires:
            return None
        if token.used is None or now - token.used >= USED_SECONDS:
            with self._turn:
                self._used[key] = now
        return token

    def flush(self) -> None:
        """Write when tokens were used last.

        Raises:
            DatabaseError: If the database cannot be written.
        """
        with self._turn:
            used, self._used = self._used, {}
        if used:
            with self._database.writing() as table:
                table.execute(
                    USED, [{"which": key, "moment": moment} for key, moment in used.items()]
                )
