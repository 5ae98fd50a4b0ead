# SPDX-License-Identifier: Apache-2.0
"""A verb that ends with whoever runs it: `python -m beast_ops.keeper.verb PID VERB …`.

A keeper or agent that is killed tells nobody. What it runs would go on unseen, and hold the
installation against the next one's runs.
"""

import os
import signal
import sys
from collections.abc import Sequence

from beast_ops.events.host import TOLD
from beast_ops.runtime.child import end_with_parent


def main(words: Sequence[str]) -> None:
    """Run the verb in *words*, which follow the process number of who runs it."""
    parent, *verb = words
    end_with_parent(signal.SIGTERM, int(parent))  # it cleans up, as after Ctrl-C
    os.environ[TOLD] = parent
    from beast_ops.cli import main as door

    door(["beast", *verb])


if __name__ == "__main__":
    main(sys.argv[1:])
