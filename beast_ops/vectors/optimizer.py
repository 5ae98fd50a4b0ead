# SPDX-License-Identifier: Apache-2.0
"""The child that optimises a copy: `python -m beast_ops.vectors.optimizer SOURCE TARGET`.

It says `ready`, waits for a line, copies, says `copied`, optimises, says `done`. It ends with its
parent, and yields the processor to everybody while it optimises.
"""

import os
import sys
from pathlib import Path

from beast_ops.runtime.child import end_with_parent

from .copying import copy_tree
from .edge import Shard

NICENESS = 10  # a tenth of what others get; at 19 it never ends on a busy machine


def main(source: Path, target: Path) -> None:
    """Copy the shard at *source* to *target* when told to, and optimise the copy."""
    end_with_parent()
    _say("ready")
    if not sys.stdin.readline():
        return  # the parent gave up
    copy_tree(source, target)  # writers wait for this, so not nice yet
    _say("copied")
    os.nice(NICENESS)
    shard = Shard.load(target)
    shard.optimize()
    shard.flush()
    shard.close()
    _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
