# SPDX-License-Identifier: Apache-2.0
"""The vector process: `python -m beast_ops.vectors`, told by paths in its environment."""

import logging
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from beast_ops.errors import BeastError
from beast_ops.keys import read_pair
from beast_ops.runtime.child import settle
from beast_ops.settings import load, variable

DRAIN_SECONDS = 8  # below supervisord's patience


def serve(environ: Mapping[str, str]) -> None:
    """Serve until told to stop.

    Args:
        environ: `BEAST_CONFIG`, `BEAST_DATA` and `BEAST_SECRETS`, each a folder.

    Raises:
        BeastError: If a variable, settings or keys are missing or wrong, or another process has
            the data.
    """
    import uvicorn

    from .app import build
    from .auth import Keys
    from .settings import Settings
    from .store import Store

    settings = load(Settings, Path(variable(environ, "BEAST_CONFIG")) / "settings.json")
    keys = Keys(*read_pair(Path(variable(environ, "BEAST_SECRETS")), "api_key", "read_only_key"))
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises it again after a clean end
        signal.signal(number, _end)
    store = Store(Path(variable(environ, "BEAST_DATA")) / "vectors")
    uvicorn.run(
        build(store, keys, settings.optimize_points),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def main() -> int:
    """Run the process; return its exit code."""
    settle("qdrant")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    try:
        serve(os.environ)
    except BeastError as error:
        print(error.paragraph(), file=sys.stderr)  # noqa: T201 - the operator reads the log
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
