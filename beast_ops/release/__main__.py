# SPDX-License-Identifier: Apache-2.0
"""The host's side of deploy and remove: `python -m beast_ops.release VERB [OPTION…] ROOT`.

    observe ROOT                       what stands there
    apply ROOT                         put the shipment on standard input in force
    remove [--data] [--dry-run] ROOT   take the installation away

Each answers with one line of JSON on standard output: what it found or did, or
`{"error": …}`, and ends with the exit code of the error.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from beast_ops.errors import BeastError
from beast_ops.place import Place


def _observe(place: Place, options: Sequence[str]) -> dict[str, Any]:
    del options
    from .observe import observe

    return observe(place).model_dump(mode="json")


def _apply(place: Place, options: Sequence[str]) -> dict[str, Any]:
    del options
    from beast_ops.health import report
    from beast_ops.runtime import control

    from .apply import Hands, apply
    from .land import Shipment

    shipment = Shipment.model_validate_json(sys.stdin.buffer.read())
    hands = Hands(start=control.apply, stop=control.down, gate=report.gate, boot=_boot)
    return asdict(apply(place, shipment, hands))


def _boot(place: Place, wanted: bool) -> str:  # noqa: FBT001 - the setting, passed on
    from beast_ops.runtime.unit import Boot

    boot = Boot(place)
    if wanted:
        return boot.enable(Path(sys.executable))
    boot.disable()
    return ""


def _remove(place: Place, options: Sequence[str]) -> dict[str, Any]:
    from beast_ops.runtime import control

    from .remove import plan, remove

    data = "--data" in options
    if "--dry-run" in options:
        removal = plan(place, data=data)
    else:
        removal = remove(place, control.down, data=data)
        _boot(place, False)  # noqa: FBT003 - what is gone does not start
    return {"changed": bool(removal.gone), **asdict(removal)}


VERBS = {"observe": _observe, "apply": _apply, "remove": _remove}


def main(words: Sequence[str]) -> int:
    """Do what *words* say and print the answer."""
    os.umask(0o077)
    verb, *options, root = words
    try:
        answer = VERBS[verb](Place(Path(root)), options)
    except BeastError as failed:
        print(json.dumps({"error": failed.paragraph(), "exit": failed.exit_code}))  # noqa: T201 - the answer goes to a pipe
        return failed.exit_code
    except OSError as failed:
        where = failed.filename or root
        print(json.dumps({"error": f"{failed.strerror} ({where}).", "exit": 1}))  # noqa: T201 - likewise
        return 1
    print(json.dumps(answer))  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
