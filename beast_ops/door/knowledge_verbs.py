# SPDX-License-Identifier: Apache-2.0
"""The verbs that measure what is known."""

from typing import Any

from .verb import verb


@verb(
    "./beast eval docs --gate 0.02",
    name="eval",
    there=True,
    optional=("collection",),
    help={
        "collection": "which; all that have golden questions when left out",
        "mode": "how to search: hybrid, dense or lexical",
        "gate": "fail if a figure fell by more than this since the last time, such as 0.02",
        "json": "print one JSON document, for machines",
    },
    interrupted="Nothing was changed. Run the same command again.",
)
def eval_(
    _context: Any, *, collection: str = "", mode: str = "hybrid", gate: str = "", json: bool = False
) -> int:
    """Ask the golden questions of a collection, and say how many are answered."""
    from beast_ops.place import installation

    from .evaluations import evaluate

    return evaluate(installation(), collection, mode, gate, json=json)
