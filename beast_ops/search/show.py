# SPDX-License-Identifier: Apache-2.0
"""Show what a search found to a human; text of strangers cannot steer the terminal."""

import shutil
import sys
import textwrap
from collections.abc import Mapping
from typing import Any

from beast_ops.health.show import visible

WIDTH_LEAST, WIDTH_MOST = 40, 100
PLAIN_WIDTH = 100
DAY_CHARACTERS = 10  # of a time in ISO 8601
_INDENT = "    "
WAYS = {
    "dense": "by meaning",
    "lexical": "by words",
    "fused": "by both",
    "rerank": "ordered anew",
}


def hits(answer: Mapping[str, Any], *, terminal: bool | None = None) -> str:
    """Return *answer* (the JSON contract) as text.

    Args:
        answer: What `search` returned.
        terminal: Whether it goes to a terminal; asked of standard output if left out.
    """
    on_terminal = sys.stdout.isatty() if terminal is None else terminal
    width = PLAIN_WIDTH
    if on_terminal:
        width = max(WIDTH_LEAST, min(WIDTH_MOST, shutil.get_terminal_size().columns))
    blocks = [
        _block(rank, hit, width, bold=on_terminal)
        for rank, hit in enumerate(answer["hits"], start=1)
    ]
    if not blocks:
        blocks = [f"Nothing found for: {visible(str(answer['query']))[:200]}"]
    if note := answer.get("note"):
        blocks.append(f"({visible(str(note))})")
    return "\n\n".join(blocks)


def _block(rank: int, hit: Mapping[str, Any], width: int, *, bold: bool) -> str:
    head = f"{rank:>2}  {hit['score']:.4f}  {visible(str(hit.get('path') or hit['source']))}"
    if bold:
        head = f"\x1b[1m{head}\x1b[0m"
    where = _where(hit)
    body = textwrap.fill(
        visible(" ".join(str(hit["text"]).split())),
        width=width,
        initial_indent=_INDENT,
        subsequent_indent=_INDENT,
    )
    ranks = "; ".join(_rank(way, said) for way, said in (hit.get("ranks") or {}).items())
    lines = [head, *(f"{_INDENT}{each}" if each else "" for each in (where, ranks)), body]
    return "\n".join(line for line in lines if line)


def _rank(way: str, said: Mapping[str, Any] | None) -> str:
    name = WAYS.get(way, way)
    return f"{name} {said['rank']}. ({said['score']:.4f})" if said else f"{name} not found"


def _where(hit: Mapping[str, Any]) -> str:
    heading = " > ".join(visible(str(part)) for part in hit.get("heading") or ())
    page = f"page {hit['page']}" if hit.get("page") is not None else ""
    author = f"by {visible(str(hit['author']))}" if hit.get("author") else ""
    day = visible(str(hit.get("created") or hit.get("modified") or ""))[:DAY_CHARACTERS]
    return ", ".join(part for part in (heading, page, author, day) if part)
