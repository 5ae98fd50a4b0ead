# SPDX-License-Identifier: Apache-2.0
"""The verbs that ask what is known, and measure the answers."""

from collections.abc import Sequence
from typing import Any

from beast_ops.knowledge import COLLECTION

from .verb import verb

_JSON = "print one JSON document, for machines"


@verb(
    "./beast eval docs --gate 0.02",
    name="eval",
    there=True,
    optional=("collection",),
    help={
        "collection": "which; all that have golden questions when left out",
        "mode": "how to search: hybrid, dense or lexical",
        "gate": "fail if a figure fell by more than this since the last time, such as 0.02",
        "suggest": "ask nothing; have so many questions drafted by a model, and print them",
        "model": "which model drafts; the first that can when left out",
        "json": _JSON,
    },
    interrupted="Nothing was changed. Run the same command again.",
)
def eval_(  # noqa: PLR0913, RUF100 - each is an option of the verb; ruff leaves _context out
    _context: Any,
    *,
    collection: str = "",
    mode: str = "hybrid",
    gate: str = "",
    suggest: int = 0,
    model: str = "",
    json: bool = False,
) -> int:
    """Ask the golden questions of a collection, and say how many are answered."""
    from beast_ops.place import installation

    from .evaluations import draft, evaluate

    if suggest:
        draft(installation(), collection or COLLECTION, suggest, model, json=json)
        return 0
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


@verb(
    "./beast search 'how do I rotate \"the master key\" -draft type:pdf'",
    joined="query",
    iterable=["notebook"],
    help={
        "query": "words or a question",
        "collection": "where to look",
        "notebook": "only in this notebook, by its name or id; may be given more than once",
        "limit": "how many passages at most",
        "source": "only from this file, folder or glob",
        "type": "only documents of this type, such as pdf",
        "tag": "only documents with this tag",
        "after": "only documents changed on this day, such as 2026-01-31, or later",
        "before": "only documents changed before this day",
        "mode": "how to search: hybrid, dense (by meaning) or lexical (by words)",
        "group": "so many passages of one document at most; --limit counts documents then",
        "rerank": "have a model read the best passages and order them anew",
        "diverse": "prefer passages that are unlike each other",
        "whole": "print whole passages",
        "explain": "say which rank a passage has by meaning, and by words",
        "json": _JSON,
    },
)
def search(  # noqa: PLR0913 - each is an option of the verb
    _context: Any,
    query: str,
    *,
    collection: str = COLLECTION,
    notebook: Sequence[str] = (),
    limit: int = 10,
    source: str = "",
    type: str = "",  # noqa: A002 - the option is called --type
    tag: str = "",
    after: str = "",
    before: str = "",
    mode: str = "hybrid",
    group: int = 0,
    rerank: bool = False,
    diverse: bool = False,
    whole: bool = False,
    explain: bool = False,
    json: bool = False,
) -> None:
    """Find the passages that answer a question; "in quotes", -not and type:pdf mean more."""
    from beast_ops.place import installation
    from beast_ops.search.model import MMR, SearchOptions, mode_of

    from .documents import search as find

    options = SearchOptions(
        collection=collection,
        limit=limit,
        source=source or None,
        type=type or None,
        tag=tag or None,
        after=after or None,
        before=before or None,
        mode=mode_of(mode),
        group=group,
        mmr=MMR if diverse else None,
        rerank=rerank,
        whole=whole,
        explain=explain,
    )
    find(installation(), query, options, tuple(notebook), json=json)


@verb(
    "./beast duplicates docs",
    optional=("collection",),
    help={
        "collection": "which",
        "alike": "how much two documents must have in common, such as 0.9",
        "json": _JSON,
    },
)
def duplicates(
    _context: Any, *, collection: str = COLLECTION, alike: str = "0.9", json: bool = False
) -> None:
    """Say which documents are the same, or nearly."""
    from beast_ops.place import installation

    from .documents import duplicates as show
    from .evaluations import share

    show(installation(), collection, share(alike) or 0.9, json=json)
