# SPDX-License-Identifier: Apache-2.0
"""The keeper process: `python -m beast_ops.keeper`."""

import os
import sys
from pathlib import Path

from beast_ops.runtime.stay import stay, when_told

NAME = "beast-keeper"


def main() -> int:
    """Keep the installation until told to stop; return the exit code."""
    return stay(NAME, _keep)


def _keep() -> None:
    from beast_ops.events.host import bus_of
    from beast_ops.place import installation
    from beast_ops.settings import load, variable

    from .loop import Keeper
    from .settings import KeeperSettings

    folder = Path(variable(os.environ, "BEAST_CONFIG"))
    place, settings = installation(), load(KeeperSettings, folder / "settings.json")
    keeper = Keeper(place, settings, tell=bus_of(place, NAME).publish)
    when_told(keeper.stop)
    keeper.run()


if __name__ == "__main__":
    sys.exit(main())
