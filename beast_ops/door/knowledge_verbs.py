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


@verb(
    "./beast reembed docs --model nomic-embed-text",
    help={
        "collection": "which",
        "model": "what makes the new vectors",
        "embedder": "which kind of server has it: ollama, hash or none",
        "gate": "how much worse golden questions may be answered; empty to ask none",
        "keep": "only fill the second collection; the first stays in force",
        "switch": "only switch to the second collection",
        "back": "switch back to the collection before",
        "drop": "delete the collection that is not in force",
        "json": "print one JSON document, for machines",
    },
    interrupted="The work goes on without you. To see it, run the same command again.",
)
def reembed(  # noqa: PLR0913 - each is an option of the verb
    _context: Any,
    collection: str,
    *,
    model: str = "",
    embedder: str = "ollama",
    gate: str = "0.02",
    keep: bool = False,
    switch: bool = False,
    back: bool = False,
    drop: bool = False,
    json: bool = False,
) -> None:
    """Give a collection vectors of another model while it goes on answering."""
    from beast_ops.ingest.reembed_client import ReembedOptions
    from beast_ops.place import installation

    from .evaluations import share
    from .reembed import act_of
    from .reembed import reembed as act

    options = ReembedOptions(model, embedder, share(gate), keep)
    act(installation(), collection, options, act_of(switch=switch, back=back, drop=drop), json=json)
