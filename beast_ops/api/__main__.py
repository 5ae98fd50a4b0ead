# SPDX-License-Identifier: Apache-2.0
"""Serve the API: `python -m beast_ops.api`."""

import logging
import sys
from typing import TYPE_CHECKING

from beast_ops.errors import BeastError

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

BACKLOG = 2048
CONNECTIONS_MOST = 4096
FILES_LEFT = 128  # for databases, uploads and connections of our own
DRAIN_SECONDS = 8


def main() -> int:
    """Serve until told to stop; return the exit code."""
    from beast_ops.runtime.child import settle

    settle("beast-api")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request it sends
    try:
        return _serve()
    except BeastError as failed:
        sys.stderr.write(f"{failed.paragraph()}\n")
        return failed.exit_code


def _serve() -> int:
    import uvicorn

    from .app import build
    from .house import watched_settings
    from .protocol import CarefulProtocol
    from .settings import surroundings

    around = surroundings()
    settings = watched_settings(around).get()
    config = uvicorn.Config(
        build(around),
        host=around.listen or settings.host,
        port=settings.port,
        loop="uvloop",
        http=CarefulProtocol,
        ws="none",
        lifespan="on",
        access_log=False,  # the guard counts; a line per request would cost as much as the answer
        server_header=False,
        proxy_headers=False,  # nobody in front is trusted to name the client
        backlog=BACKLOG,
        limit_concurrency=_connections(),
        log_config=None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    server = uvicorn.Server(config)
    _let_go(server)
    return _run(server)


def _run(server: "uvicorn.Server") -> int:
    try:
        server.run()
    except SystemExit:  # uvicorn's way of saying that it could not listen, which it has logged
        return 1
    return 0 if server.started else 1


def _connections() -> int:
    """Return how many connections are taken: no more than there may be open files."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MOST + FILES_LEFT
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(FILES_LEFT, min(CONNECTIONS_MOST, soft - FILES_LEFT))


def _let_go(server: "uvicorn.Server") -> None:
    """Have who listens to events let go as soon as *server* is asked to end."""
    from .streams import ENDING

    end = server.handle_exit

    def ended(number: int, frame: "FrameType | None") -> None:
        ENDING.set()
        end(number, frame)

    server.handle_exit = ended  # type: ignore[assignment,method-assign] # it is asked by place


if __name__ == "__main__":
    sys.exit(main())
