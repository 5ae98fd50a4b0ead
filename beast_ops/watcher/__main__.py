# SPDX-License-Identifier: Apache-2.0
"""The watcher process: `python -m beast_ops.watcher`."""

import logging
import os
import signal
import sys
from pathlib import Path

from beast_ops.errors import BeastError
from beast_ops.runtime.child import settle

NAME = "beast-watcher"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Keep folders in step until told to stop; return the exit code."""
    settle(NAME)
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line per request says nothing new
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    try:
        _keep()
    except BeastError as failed:
        sys.stderr.write(f"{failed.paragraph()}\n")
        return failed.exit_code
    return 0


def _keep() -> None:
    from beast_ops.place import installation
    from beast_ops.settings import load, variable

    from .keep import Keepers
    from .settings import WatcherSettings

    folder = Path(variable(os.environ, "BEAST_CONFIG"))
    keepers = Keepers(installation(), load(WatcherSettings, folder / "settings.json"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keepers.stop())
    keepers.run()


if __name__ == "__main__":
    sys.exit(main())
