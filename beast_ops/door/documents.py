# SPDX-License-Identifier: Apache-2.0
"""The verbs of documents: what they print around the library's work."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.ingest.client import IngestOptions
    from beast_ops.search.model import SearchOptions


def search(place: Place, query: str, options: "SearchOptions", *, json: bool) -> None:
    """Print the passages that answer *query*."""
    from beast_ops.search import client, show

    answer = client.search(place, query, options)
    if json:
        emit(answer)
    else:
        line(show.hits(answer))


def ingest(place: Place, paths: Sequence[str], options: "IngestOptions", *, json: bool) -> int:
    """Have *paths* read, print what became of them, and return 1 if any document failed."""
    from beast_ops.ingest import client, show

    with show.Progress(sys.stderr) as progress:
        answer: dict[str, Any] = client.ingest(place, paths, options, progress)
    if json:
        emit(answer)
    else:
        line(show.summary(answer))
    return 1 if answer["documents"]["failed"] else 0
