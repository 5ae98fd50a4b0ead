# SPDX-License-Identifier: Apache-2.0
"""Ask golden questions of a vector store itself, where there is no API that would."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from pathlib import Path

from beast_ops.search.dense import Embedders
from beast_ops.search.hybrid import Searcher
from beast_ops.search.model import Mode, SearchOptions
from beast_ops.search.store import open_store
from beast_ops.settings import Strict

from .questions import read
from .run import DEEPEST, Answered, Ask, Figures, Passage, run

MODE: Mode = "hybrid"


class Order(Strict):
    """What to ask of whom; holds no secret.

    Attributes:
        collection: The collection.
        questions: Its golden questions, as their file has them.
        url: Where the store is.
        key_file: The file with its key, if it has one.
        models_url: The model server, if there is one.
        models_folder: Where models lie that run in this process; empty if nowhere.
    """

    collection: str
    questions: str
    url: str
    key_file: str | None
    models_url: str | None
    models_folder: str = ""


def ask_all(order: Order) -> Figures:
    """Return how the store answers.

    Raises:
        MissingError: If it has no such collection.
        UnavailableError: If it does not answer.
    """
    questions = read(order.questions, order.collection)
    key = Path(order.key_file) if order.key_file else None
    options = SearchOptions(collection=order.collection, limit=DEEPEST, mode=MODE, whole=True)
    embedders = Embedders(order.models_url, folder=lambda: order.models_folder)
    with asking(options, order.url, key, embedders) as ask:
        return run(order.collection, questions, MODE, ask).figures


@contextmanager
def asking(
    options: SearchOptions, url: str, key: Path | str | None, embedders: Embedders
) -> Iterator[Ask]:
    """Open what asks a vector store itself.

    Args:
        options: Which collection, and how.
        url: Where the store is.
        key: Its key, or the file that has it.
        embedders: What makes vectors of questions; closed in the end.

    Raises:
        BeastError: If the key cannot be read.
    """
    with asyncio.Runner() as runner, closing(embedders) as known:
        opened = AsyncExitStack()
        store = runner.run(opened.enter_async_context(open_store(url, key)))
        searcher = Searcher(store, known.embed)

        def ask(question: str) -> Answered:
            answer = runner.run(searcher.search(question, options))
            passages = tuple(
                Passage((str(hit.place.get("path", hit.source)), hit.source), hit.text)
                for hit in answer.hits
            )
            return Answered(passages, answer.mode)

        try:
            yield ask
        finally:
            runner.run(opened.aclose())
