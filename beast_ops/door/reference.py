# SPDX-License-Identifier: Apache-2.0
"""Write the reference of the verbs: `python -m beast_ops.door.reference`."""

import sys
from importlib import import_module
from pathlib import Path

from invoke.collection import Collection

from .pages import reference

CLONE = Path(__file__).resolve().parents[2]
TARGET = CLONE / "docs" / "reference" / "verbs.md"


def text() -> str:
    """Return what the page has to say."""
    sys.path.append(str(CLONE))
    collection = Collection.from_module(import_module("tasks"))
    return reference({name: collection[name] for name in collection.task_names})


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
