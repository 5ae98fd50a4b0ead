# SPDX-License-Identifier: Apache-2.0
"""The verbs that bring documents into conversations."""

from typing import Any

from beast_ops.knowledge import COLLECTION

from .verb import verb

_JSON = "print one JSON document, for machines"


@verb(
    "./beast ask 'how often do I rotate the master key?'",
    joined="question",
    help={
        "question": "what you want to know",
        "collection": "whose documents answer",
        "json": _JSON,
    },
    interrupted="The model was told to stop.",
)
def ask(_context: Any, question: str, *, collection: str = COLLECTION, json: bool = False) -> None:
    """Have a model answer a question from your documents, with its sources below."""
    from beast_ops.place import installation

    from .asking import ask as answer

    answer(installation(), question, collection, json=json)


@verb(
    "./beast batch requests.jsonl --model llama3.2:3b --output answers.jsonl",
    help={
        "requests": 'a file with one JSON object a line, such as {"id": "1", "prompt": "Why?"}',
        "output": "where the answers go, in the same order; beside the requests when left out",
        "model": "who answers what names no model itself",
        "at_once": "how many are asked at the same time",
        "always": "remember also what a model would say otherwise the next time",
        "similar": "take answers to similar requests, from this closeness on, such as 0.97",
        "json": _JSON,
    },
    interrupted="What was answered is kept. To go on, run the same command again.",
)
def batch(  # noqa: PLR0913 - each is an option of the verb
    _context: Any,
    requests: str,
    *,
    output: str = "",
    model: str = "",
    at_once: int = 5,
    always: bool = False,
    similar: float = 0.0,
    json: bool = False,
) -> int:
    """Have a model answer a file of requests."""
    from pathlib import Path

    from beast_ops.place import installation

    from .batches import Wish
    from .batches import batch as run

    source = Path(requests)
    target = Path(output) if output else source.with_name(f"{source.stem}.answers.jsonl")
    return run(installation(), Wish(source, target, model, at_once, always, similar), json=json)


@verb(
    "./beast mirror docs --to Handbook",
    there=True,
    help={
        "collection": "which",
        "to": "the knowledge base of Open WebUI; made if there is none of that name",
        "json": _JSON,
    },
    interrupted="Nothing is lost. To go on, run the same command again.",
)
def mirror(_context: Any, collection: str, *, to: str = "", json: bool = False) -> int:
    """Keep a copy of a collection's documents in a knowledge base of Open WebUI."""
    from beast_ops.place import installation

    from .asking import mirror as keep

    return keep(installation(), collection, to or collection, json=json)
