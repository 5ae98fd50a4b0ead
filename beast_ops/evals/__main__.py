# SPDX-License-Identifier: Apache-2.0
"""Carry out the order in the first word, in the environment of the stack; print JSON.

The verbs of a clone run without what speaks to a vector store.
"""

import json
import sys
from typing import Any

from beast_ops.errors import BeastError, MissingError

from .store import Order, ask_all


def main(words: list[str]) -> None:
    """Print the figures, or why there are none."""
    said: dict[str, Any]
    try:
        said = {"figures": ask_all(Order.model_validate_json(words[0])).model_dump(mode="json")}
    except MissingError as missing:
        said = {"missing": missing.paragraph()}
    except BeastError as failed:
        said = {"failed": failed.paragraph()}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1:])
