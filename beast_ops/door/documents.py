# SPDX-License-Identifier: Apache-2.0
"""The verbs of documents: what they print around the library's work."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from json import dumps
from typing import TYPE_CHECKING, Any

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.ingest.client import IngestOptions
    from beast_ops.jobs.model import Priority
    from beast_ops.search.model import SearchOptions


def search(
    place: Place,
    query: str,
    options: "SearchOptions",
    notebooks: Sequence[str] = (),
    *,
    json: bool,
) -> None:
    """Print the passages that answer *query*, of *notebooks* alone if there are any.

    Raises:
        UsageError: If another collection than that of notebooks is asked for, too.
    """
    from beast_ops.knowledge import COLLECTION
    from beast_ops.search import client, show

    if notebooks and options.collection != COLLECTION:
        raise UsageError(
            "notebooks have a collection of their own", hint="Leave out --collection or --notebook."
        )
    answer = client.search(place, query, options, notebooks)
    if json:
        emit(answer)
    else:
        line(show.hits(answer))


def watch(place: Place, paths: Sequence[str], options: "IngestOptions", *, json: bool) -> int:
    """Keep the collection in step with the folders *paths* until Ctrl-C; return 0 then.

    Raises:
        UsageError: If one of them is no folder.
    """
    from beast_ops.ingest.watching import Keeping, Told, WatchTask, words

    def tell(told: Told) -> None:
        for text in [dumps(told.as_dict())] if json else words(told):
            line(text)
        sys.stdout.flush()

    folders = [os.path.abspath(os.path.expanduser(path)) for path in paths]  # noqa: PTH100, PTH111 - resolve() follows links
    for folder in folders:
        if not os.path.isdir(folder):  # noqa: PTH112 - names may be no valid text
            raise UsageError("only folders can be watched", subject=folder)
    keeping = Keeping(place, WatchTask(folders, options), tell)
    with suppress(KeyboardInterrupt):
        keeping.run()
    if not json:
        line("Stopped. What changes from now on is read by the next ingest.")
    return 0


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


def urgency_of(said: str, *, watched: bool) -> "Priority | None":
    """Return the priority that is called *said*; `None` leaves it to the number of documents.

    What is *watched* changes all the time, and nobody waits for it.

    Raises:
        UsageError: If there is none of this name.
    """
    from beast_ops.jobs.model import Priority

    if not said:
        return Priority.NORMAL if watched else None
    try:
        return Priority(said)
    except ValueError:
        raise UsageError(
            "no priority is called so", subject=said, hint=f"Use: {', '.join(Priority)}"
        ) from None


def duplicates(place: Place, collection: str, alike: float, *, json: bool) -> None:
    """Print the documents of *collection* that are the same, or nearly."""
    from beast_ops.client import connect
    from beast_ops.health.show import visible

    with connect(place) as api:
        found = api.collections.duplicates(collection, alike=alike)
    if json:
        emit(found)
        return
    for group in found["equal"]:
        line("\n".join(["The same:", *(f"  {visible(path)}" for path in group)]))
    for pair in found["alike"]:
        one, other = visible(pair["one"]), visible(pair["other"])
        line(f"{pair['share']:.0%} alike:\n  {one}\n  {other}")
    if found["more"]:
        line(f"and {found['more']} more pairs")
    if not found["equal"] and not found["alike"]:
        line(f"No two documents of {collection} are alike.")
