# SPDX-License-Identifier: Apache-2.0
"""The keeper process: `python -m beast_ops.keeper`."""

import logging
import os
import signal
import sys
from pathlib import Path

from beast_ops.errors import BeastError
from beast_ops.runtime.child import settle

NAME = "beast-keeper"
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main() -> int:
    """Keep the installation until told to stop; return the exit code."""
    settle(NAME)
    logging.basicConfig(level=logging.INFO, format=FORMAT)
    try:
        _keep()
    except BeastError as failed:
        sys.stderr.write(f"{failed.paragraph()}\n")
        return failed.exit_code
    return 0


def _keep() -> None:
    from beast_ops.place import installation
    from beast_ops.settings import load, variable

    from .loop import Keeper
    from .settings import KeeperSettings

    folder = Path(variable(os.environ, "BEAST_CONFIG"))
    keeper = Keeper(installation(), load(KeeperSettings, folder / "settings.json"))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: keeper.stop())
    keeper.run()


if __name__ == "__main__":
    sys.exit(main())
