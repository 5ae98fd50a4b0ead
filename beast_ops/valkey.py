# SPDX-License-Identifier: Apache-2.0
"""The one room that connects with Valkey, for those processes that were given one.

Nothing is kept there that is not in a database, too: whoever uses it must do without it the
moment it is gone. So every word to it has a deadline of few seconds, and nobody insists.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .errors import SettingsError
from .keys import read_secret

if TYPE_CHECKING:  # takes a tenth of a second, which only those should spend who have a Valkey
    from redis import Redis
    from redis.asyncio import BlockingConnectionPool as AsyncPool

URL, KEY_FILE = "BEAST_QUEUE_URL", "BEAST_QUEUE_KEY_FILE"
PORT = 6379
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 2.0
CONNECTIONS = 32  # of one event loop at once; more wait for one
AGAIN_SECONDS = 10.0  # so long nobody asks one that did not answer


@dataclass(frozen=True, slots=True)
class Valkey:
    """Where Valkey is.

    Attributes:
        host: Its host.
        port: Its port there.
        password: What opens it; never shown.
    """

    host: str
    port: int = PORT
    password: str | None = field(default=None, repr=False)

    def client(self, wait_seconds: float = 0.0) -> "Redis":
        """Return a client for threads; it connects when it is used.

        Args:
            wait_seconds: For how long it may be asked to wait for something.
        """
        from redis import Redis

        return Redis(**self._options(wait_seconds))

    def async_pool(self, wait_seconds: float = 0.0) -> "AsyncPool":
        """Return connections for one event loop, made when they are used; see `client`."""
        from redis.asyncio import BlockingConnectionPool
        from redis.asyncio.retry import Retry

        options = self._options(wait_seconds)
        options |= {"retry": Retry(*self._insisting()), "timeout": ANSWER_SECONDS}
        return BlockingConnectionPool(CONNECTIONS, **options)

    def _options(self, wait_seconds: float) -> dict[str, Any]:
        from redis.retry import Retry

        return {
            "host": self.host,
            "port": self.port,
            "password": self.password,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_timeout": ANSWER_SECONDS + wait_seconds,
            "retry": Retry(*self._insisting()),
        }

    def _insisting(self) -> tuple[Any, ...]:
        """Return how to try again: once and at once, if a restart of Valkey cut the connection."""
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as Disconnected

        return NoBackoff(), 1, (Disconnected,)


def given(environ: Mapping[str, str] = os.environ) -> Valkey | None:
    """Return the Valkey that the release gave this process; see `at`."""
    file = environ.get(KEY_FILE)
    return at(environ.get(URL), Path(file) if file else None)


def at(url: str | None, key: Path | None) -> Valkey | None:
    """Return the Valkey at *url*, opened by what the file *key* holds; `None` without a *url*.

    Raises:
        SettingsError: If its address is none.
        BeastError: If its password cannot be read.
    """
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname:
        raise SettingsError("must be an address such as redis://valkey:6379", subject=URL)
    return Valkey(parts.hostname, parts.port or PORT, read_secret(key) if key else None)
