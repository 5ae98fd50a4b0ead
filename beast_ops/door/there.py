# SPDX-License-Identifier: Apache-2.0
"""`--inventory PATH` on a verb of the host: the verb runs there."""

import sys
from collections.abc import Sequence

from beast_ops.errors import UsageError

from .verb import Manner

OPTION = "--inventory"


def elsewhere(verb: str, words: Sequence[str], manner: Manner) -> int:
    """Run *verb* on the host that the inventory among *words* names; return its exit code.

    Args:
        verb: Its name.
        words: What follows it, the option among them.
        manner: How it is read; the host sees no terminal, so ours is told by its option for that.

    Raises:
        UsageError: If no inventory follows the option, or the verb would never end.
        CommandError: If the host cannot be reached.
    """
    from beast_ops.deploy.elsewhere import run_there
    from beast_ops.place import installation

    place = words.index(OPTION)
    chosen = words[place + 1 : place + 2]
    if not chosen or chosen[0].startswith("-"):
        raise UsageError(f"{OPTION} needs a path", subject=verb)
    if "--follow" in words or "-f" in words:
        raise UsageError("only on the host itself can one follow a log", subject=verb)
    rest = [*words[:place], *words[place + 2 :]]
    if manner.terminal and sys.stdout.isatty():
        rest.append(f"--{manner.terminal}")
    return run_there(installation(), chosen[0], [verb, *rest])
