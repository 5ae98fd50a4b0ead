# SPDX-License-Identifier: Apache-2.0
"""The watcher process: `python -m beast_ops.watcher`."""

import os
import sys
from pathlib import Path

from beast_ops.runtime.stay import stay, when_told

NAME = "beast-watcher"


def main() -> int:
    """Keep folders in step until told to stop; return the exit code."""
    return stay(NAME, _keep)


def _keep() -> None:
    from beast_ops.place import installation
    from beast_ops.settings import load, variable

    from .keep import Keepers
    from .settings import WatcherSettings

    folder = Path(variable(os.environ, "BEAST_CONFIG"))
    keepers = Keepers(installation(), load(WatcherSettings, folder / "settings.json"))
    when_told(keepers.stop)
    keepers.run()


if __name__ == "__main__":
    sys.exit(main())
