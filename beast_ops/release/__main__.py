# SPDX-License-Identifier: Apache-2.0
"""The host's side of a deploy: `python -m beast_ops.release observe|apply ROOT`.

`apply` reads a shipment as JSON from standard input. Both answer with one line of JSON on
standard output: what they found or did, or `{"error": …}`, and the exit code of the error.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from beast_ops.errors import BeastError
from beast_ops.place import Place


def _observe(place: Place) -> dict[str, object]:
    from .observe import observe

    return observe(place).model_dump(mode="json")


def _apply(place: Place) -> dict[str, object]:
    from beast_ops.health import report
    from beast_ops.runtime import control

    from .apply import Hands, apply
    from .land import Shipment

    shipment = Shipment.model_validate_json(sys.stdin.buffer.read())
    hands = Hands(start=control.apply, stop=control.down, gate=report.gate)
    return asdict(apply(place, shipment, hands))


def main(words: list[str]) -> int:
    """Do what *words* say and print the answer."""
    os.umask(0o077)
    verb, root = words
    try:
        answer = {"observe": _observe, "apply": _apply}[verb](Place(Path(root)))
    except BeastError as failed:
        print(json.dumps({"error": failed.paragraph()}))  # noqa: T201 - the answer goes to a pipe
        return failed.exit_code
    except OSError as failed:
        where = failed.filename or root
        print(json.dumps({"error": f"{failed.strerror} ({where})."}))  # noqa: T201 - likewise
        return 1
    print(json.dumps(answer))  # noqa: T201 - likewise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
