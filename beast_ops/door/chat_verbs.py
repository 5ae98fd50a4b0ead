# SPDX-License-Identifier: Apache-2.0
"""The verbs that bring documents into conversations."""

from collections.abc import Sequence
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


@verb(
    "./beast task 'Write sandbox/summary.md about the notes' --folder notes --sandbox out --apply",
    joined="words",
    iterable=["folder", "allow", "collection"],
    help={
        "words": "what is to be done",
        "model": "who does it: a model that can use tools; the newest of these when left out",
        "folder": "a folder whose files may be read; may be repeated",
        "sandbox": "the only folder in which files may be written and commands run",
        "allow": "a command that may be run, such as 'wc *', where * stands for further words; "
        "may be repeated",
        "collection": "a collection that may be searched; may be repeated",
        "apply": "write files and run commands; without it only say what would be done",
        "steps": "how often the model is asked at most",
        "tokens": "how many tokens that may take in all",
        "minutes": "how long it may take",
        "context": "how many tokens the model sees at once",
        "openai": "the address of a server that speaks OpenAI's API, such as llama.cpp's, to ask "
        "that instead of the installation's",
        "json": _JSON,
    },
    interrupted="What was done until then: ./beast tasks.list",
)
def task(  # noqa: PLR0913 - a verb has as many parameters as it has options
    _context: Any,
    words: str,
    *,
    model: str = "",
    folder: Sequence[str] = (),
    sandbox: str = "",
    allow: Sequence[str] = (),
    collection: Sequence[str] = (),
    apply: bool = False,
    steps: int = 12,
    tokens: int = 200_000,
    minutes: int = 30,
    context: int = 8192,
    openai: str = "",
    json: bool = False,
) -> int:
    """Have a model carry out a task with tools, within bounds you set; a dry run unless --apply."""
    from beast_ops.place import installation
    from beast_ops.tasks.allow import Wish
    from beast_ops.tasks.model import Limits

    from .tasks import Asked, carry_out

    wish = Wish(tuple(folder), sandbox, tuple(allow), tuple(collection), apply)
    limits = Limits(steps=steps, tokens=tokens, seconds=60.0 * minutes, context=context)
    return carry_out(installation(), Asked(words, model, wish, limits, openai), json=json)
