# SPDX-License-Identifier: Apache-2.0
"""The verb that brings documents in."""

from collections.abc import Sequence
from typing import Any

from beast_ops.knowledge import COLLECTION

from .verb import verb

_JSON = "print one JSON document, for machines"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast ingest ~/Documents notes.md --exclude drafts/",
    many="path",
    iterable=["include", "exclude", "allow_net"],
    help={
        "path": "folders, files, globs, addresses of pages, or - for what is piped in",
        "name": "what that is called; its suffix says how to read it, as in notes.md",
        "include": "of folders, only files that match a pattern as in .gitignore; repeatable",
        "exclude": "of folders, no files that match such a pattern; repeatable",
        "archives": "look into zip and tar archives in folders, too; a named one is always read",
        "sitemap": "the addresses are those of sitemaps; the pages they list are meant",
        "allow_net": "a network that is not public but may be reached, as 10.1.0.0/16; repeatable",
        "collection": "where the passages go",
        "prune": "whether what is gone from a folder leaves the collection, too",
        "prune_empty": "prune a folder even if nothing is left in it",
        "priority": "high, normal or low; else a few documents are high, and many normal",
        "watch": "keep the collection in step with folders until Ctrl-C",
        "json": _JSON,
    },
    interrupted="Run the same ingest again: what is done is not done twice.",
)
def ingest(  # noqa: PLR0913 - each is an option of the verb
    _context: Any,
    path: Sequence[str],
    *,
    name: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    archives: bool = False,
    sitemap: bool = False,
    allow_net: Sequence[str] = (),
    collection: str = COLLECTION,
    prune: bool = True,
    prune_empty: bool = False,
    priority: str = "",
    watch: bool = False,
    json: bool = False,
) -> int:
    """Read documents, so that search finds them; what is unchanged costs nothing."""
    from beast_ops.ingest.client import IngestOptions
    from beast_ops.ingest.gather import WebOptions
    from beast_ops.ingest.ignore import Selection

    from .documents import ingest as read
    from .documents import urgency_of
    from .documents import watch as keep

    web = WebOptions(tuple(allow_net), sitemap)
    selection = Selection(tuple(include), tuple(exclude))
    urgency = urgency_of(priority, watched=watch)
    options = IngestOptions(collection, prune, prune_empty, selection, archives, name, web, urgency)
    return (keep if watch else read)(_place(), path, options, json=json)
