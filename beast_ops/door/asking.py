# SPDX-License-Identifier: Apache-2.0
"""Print an answer while it comes; text of strangers cannot steer the terminal."""

import sys
from collections.abc import Mapping
from typing import Any

from beast_ops.chat.client import Asked
from beast_ops.chat.client import ask as answer
from beast_ops.health.show import visible
from beast_ops.place import Place

from .output import emit, line


def ask(place: Place, question: str, collection: str, *, json: bool) -> None:
    """Print the answer to *question* from the documents of *collection*, and its sources."""
    asked = Asked(question, collection)
    try:
        for piece in answer(place, asked):
            if not json:
                sys.stdout.write("\n".join(map(visible, piece.split("\n"))))
                sys.stdout.flush()
    finally:
        if asked.answer and not json:
            line()
    if json:
        emit(asked.as_dict())
    else:
        line("\n".join(["", *_below(asked)]))


def mirror(place: Place, collection: str, name: str, *, json: bool) -> int:
    """Bring the knowledge base *name* in step with *collection*; return 1 if a document failed."""
    from beast_ops.mirror.run import mirror as bring

    def tell(source: str) -> None:
        if not json and sys.stderr.isatty():
            sys.stderr.write(f"  {visible(source)}\n")

    done = bring(place, collection, name, tell)
    if json:
        emit(done.as_dict())
        return 1 if done.failed else 0
    counts = (
        f"{done.new} new, {done.changed} changed, {done.removed} removed, {done.same} as before"
    )
    line(f"{visible(name)} in Open WebUI: {counts}.")
    for source, why in done.failed.items():
        line(f"  failed: {visible(source)}: {visible(why)}")
    return 1 if done.failed else 0


def _below(asked: Asked) -> list[str]:
    """Return the lines below an answer."""
    lines = [_source(each) for each in asked.cited]
    if not lines and asked.about.get("sources"):
        lines = ["The answer names no source."]
    if removed := asked.about.get("removed"):
        lines.append(f"(Citations of nothing that were taken out: {removed}.)")
    return [*lines, *(f"({visible(str(note))})" for note in asked.about.get("notes", ()))]


def _source(each: Mapping[str, Any]) -> str:
    page = f", page {each['page']}" if each.get("page") is not None else ""
    heading = " > ".join(map(str, each.get("heading") or ()))
    under = f" ({visible(heading)})" if heading else ""
    return f"[{each['number']}] {visible(str(each.get('path') or each['source']))}{page}{under}"
