# SPDX-License-Identifier: Apache-2.0
"""Open what answers questions: the model server, and what knows answers to similar ones."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

from beast_ops import http
from beast_ops.chat.again import Again
from beast_ops.chat.answer import Answerer, Wish
from beast_ops.chat.writer import Writer
from beast_ops.llm.chat import WHOLE_SECONDS, ChatServer
from beast_ops.llm.remembered import Digests
from beast_ops.llm.similar import SimilarCache
from beast_ops.resilience import GUARDS
from beast_ops.search.hybrid import Searcher

from .settings import Settings, Surroundings

Said = Callable[[], Settings]


@asynccontextmanager
async def answering(
    around: Surroundings, settings: Said, searcher: Searcher
) -> AsyncIterator[Answerer]:
    """Open what answers questions by what *searcher* finds, as *settings* say at that moment."""

    def wish() -> Wish:
        said = settings()
        return Wish(said.chat_model, said.chat_context)

    if around.models_url is None:
        yield Answerer(searcher.search, Writer(None), wish)
        return
    async with http.async_client(around.models_url, seconds=WHOLE_SECONDS) as client:
        server = ChatServer(client)
        with _again(around, settings, searcher, server) as again:
            try:
                yield Answerer(searcher.search, Writer(server), wish, again)
            finally:
                await GUARDS.aclose()


@contextmanager
def _again(
    around: Surroundings, settings: Said, searcher: Searcher, server: ChatServer
) -> Iterator[Again | None]:
    """Open what knows answers to similar questions, if any are wanted as the process begins."""
    if not settings().chat_similar:
        yield None
        return
    with SimilarCache(around.data / "api" / "similar.sqlite") as cache:
        digest = Digests(server).of
        yield Again(cache, searcher.vector, digest, lambda: settings().chat_similar)
