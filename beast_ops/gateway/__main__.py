# SPDX-License-Identifier: Apache-2.0
"""Serve the gateway: `python -m beast_ops.gateway`."""

import logging
import sys
from typing import TYPE_CHECKING

from beast_ops.errors import BeastError

if TYPE_CHECKING:
    import uvicorn

BACKLOG = 512
CONNECTIONS_MOST = 1024
DRAIN_SECONDS = 8


def main() -> int:
    """Serve until told to stop; return the exit code."""
    from beast_ops.runtime.child import settle

    settle("beast-gateway")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request it sends
    try:
        return _serve()
    except BeastError as failed:
        sys.stderr.write(f"{failed.paragraph()}\n")
        return failed.exit_code


def _serve() -> int:
    import uvicorn

    from beast_ops.settings import load

    from .app import Gateway
    from .protocol import GatewayProtocol
    from .settings import Settings, surroundings

    around = surroundings()
    settings = load(Settings, around.settings)
    config = uvicorn.Config(
        Gateway(around),
        host=around.listen or settings.host,
        port=settings.port,
        loop="uvloop",
        http=GatewayProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody in front is trusted to name the client
        backlog=BACKLOG,
        limit_concurrency=CONNECTIONS_MOST,
        log_config=None,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    return _run(uvicorn.Server(config))


def _run(server: "uvicorn.Server") -> int:
    try:
        server.run()
    except SystemExit:  # uvicorn's way of saying that it could not listen, which it has logged
        return 1
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
