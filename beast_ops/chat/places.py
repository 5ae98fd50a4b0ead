# SPDX-License-Identifier: Apache-2.0
"""Say where a passage is from: as a title, as a link, and as lines of Markdown; pure.

Titles and names are text of strangers: what means something in Markdown is escaped.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from beast_ops.search.model import Hit

if TYPE_CHECKING:
    from .model import Passage

HEADLINE = "\n\n**Sources**\n\n"
TITLE_CHARACTERS = 120
_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~$])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
_KEPT = ":/?#@!$&'*+,;=%~"  # of a URL; what ends a link in Markdown is not among them


def title(hit: Hit) -> str:
    """Return what a source is called: its file or its title, with the page if it has pages."""
    path = str(hit.place.get("path") or hit.source)
    name = path.rstrip("/").rpartition("/")[2] or path
    if _is_web(hit.source):
        name = str(hit.place.get("title") or hit.source)
    page = hit.place.get("page")
    where = f", page {page}" if page is not None else ""
    return _CONTROL.sub(" ", name)[:TITLE_CHARACTERS] + where


def link(hit: Hit) -> str:
    """Return the address of a source: with the page in it, if it has pages."""
    page = hit.place.get("page")
    mark = f"#page={page}" if page is not None and "#" not in hit.source else ""
    return quote(_CONTROL.sub("", hit.source), safe=_KEPT) + mark


def listed(passages: Iterable["Passage"]) -> str:
    """Return the lines of Markdown that stand below an answer; nothing without *passages*."""
    lines = [
        f"- [{each.number}] [{_escaped(title(each.hit))}]({link(each.hit)})" for each in passages
    ]
    return HEADLINE + "\n".join(lines) if lines else ""


def bare(answer: str) -> str:
    """Return *answer* without the lines that `listed` put below it."""
    return answer.rpartition(HEADLINE)[0] if HEADLINE in answer else answer


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))
