# SPDX-License-Identifier: Apache-2.0
"""Run a verb where the installation is: over Ansible's connection, its output passed through."""

import sys
import tempfile
from collections.abc import Sequence

from beast_ops.errors import CommandError
from beast_ops.place import Place

from .inventory import found
from .playbook import Playbook, run


def run_there(place: Place, chosen: str, words: Sequence[str]) -> int:
    """Run the verb *words* on the host of the inventory *chosen* and return its exit code.

    Args:
        place: The installation on this machine, whose root an inventory may follow.
        chosen: Path of the inventory.
        words: The verb and what follows it; no secret, for it stands in argv there.

    Raises:
        CommandError: If the host cannot be reached.
    """
    inventory = str(found(chosen))
    playbook = Playbook("verb", inventory, place.root, variables={"verb_words": list(words)})
    code, failure = None, ""
    with tempfile.TemporaryFile() as log:
        for event in run(playbook, log):
            if "stdout" in event:
                sys.stdout.write(str(event["stdout"]))
                sys.stderr.write(str(event.get("stderr", "")))
                code = int(event["rc"])
            elif event["event"] == "failed":
                failure = failure or " ".join(str(event.get("msg", "")).split())
    if code is None:
        raise CommandError(failure or "the host did not answer", subject=chosen)
    return code
