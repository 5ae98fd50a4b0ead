# SPDX-License-Identifier: Apache-2.0
"""Print how a collection got other vectors."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.ingest.reembed_client import ReembedOptions

ACTS = {"switch": "switch", "back": "switch", "drop": "drop"}


def reembed(
    place: Place, collection: str, options: "ReembedOptions", act: str, *, json: bool
) -> None:
    """Fill and switch, or do *act* alone, and print what came of it.

    Raises:
        UsageError: If no model is named where one is needed.
        BeastError: Whatever it runs into.
    """
    from beast_ops.ingest import reembed_client
    from beast_ops.ingest.show import Progress

    if not act and not options.model and options.embedder == "ollama":
        raise UsageError(
            "which model shall make the new vectors?",
            subject=collection,
            hint=f"Such as: ./beast reembed {collection} --model nomic-embed-text",
        )
    with Progress(sys.stderr) as progress:
        if act:
            answer = reembed_client.act(place, collection, ACTS[act], progress)
        else:
            answer = reembed_client.reembed(place, collection, options, progress)
    if json:
        emit(answer)
    else:
        line(told(answer))


def act_of(**asked: bool) -> str:
    """Return the one act that is asked for, if any is.

    Raises:
        UsageError: If several are.
    """
    chosen = [name for name, wanted in asked.items() if wanted]
    if len(chosen) > 1:
        options = " and ".join(f"--{name}" for name in chosen)
        raise UsageError("only one at a time", subject=options, hint="Choose one of them.")
    return chosen[0] if chosen else ""


def told(answer: Mapping[str, Any]) -> str:
    """Return *answer* in words."""
    name, live, other = answer["collection"], answer["live"], answer["other"]
    if "dropped" in answer:
        gone = ", ".join(answer["dropped"])
        return f"{name} leads to {live}; dropped: {gone}." if gone else f"{name} has no other."
    lines = [f"{name} leads to {live}, {answer['passages']} passages; {other} is kept in step."]
    if answer["words_only"]:
        lines.append(f"{answer['words_only']} of them the model refused: found by words only.")
    if "after" in answer:
        before, after = answer["before"], answer["after"]
        lines += [
            f"  {title:<10} {after[key]:.3f}   {before[key]:.3f} before"
            for key, title in (("recall_5", "recall@5"), ("mrr", "MRR"))
        ]
    lines.append(f"The way back: ./beast reembed {name} --back. To drop {other}: --drop")
    return "\n".join(lines)
