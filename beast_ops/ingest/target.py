# SPDX-License-Identifier: Apache-2.0
"""Where passages go: a collection, and what makes its vectors."""

from dataclasses import dataclass

from beast_ops.errors import SettingsError, UnavailableError
from beast_ops.llm import Embedder, embedder_for, probe

from .settings import WorkerSettings
from .sparse import Bm25Encoder
from .store import PointStore, Space


@dataclass(frozen=True, slots=True)
class Target:
    """An open collection.

    Attributes:
        collection: The collection behind the alias.
        lexical: Makes sparse vectors, if it has any.
        embedder: Makes dense vectors, if it has any.
    """

    collection: str
    lexical: Bm25Encoder | None
    embedder: Embedder | None


def open_target(
    store: PointStore, name: str, settings: WorkerSettings, models_url: str | None
) -> Target:
    """Open the collection behind the alias *name*, making it if it is missing.

    Raises:
        SettingsError: If it was made with another embedder than the settings ask for.
        UnavailableError: If the store, or the model server it needs, does not answer.
    """
    found = store.find(name)
    if found is None:
        space = _new_space(settings, models_url)
        collection = store.make(name, space)
    else:
        collection, space = found
        _refuse_mismatch(name, space, settings)
    return Target(collection, _lexical(space, settings), _embedder(space, models_url))


def _new_space(settings: WorkerSettings, models_url: str | None) -> Space:
    kind = settings.embedder
    if kind == "auto":
        lacking = probe(models_url, settings.embed_model) if models_url else "no model server"
        kind = "none" if lacking else "ollama"
    embedder = embedder_for(kind, settings.embed_model, models_url)
    return Space(
        embedder=kind,
        model=embedder.model if embedder else "",
        dimension=embedder.dimension if embedder else 0,
        language=settings.language,
    )


def _refuse_mismatch(name: str, space: Space, settings: WorkerSettings) -> None:
    asked = settings.embedder
    same_model = asked != "ollama" or space.model == settings.embed_model
    if asked == "auto" or (asked == space.embedder and same_model):
        return
    raise SettingsError(
        f"this collection was made with the embedder {space.embedder} {space.model}".rstrip()
        + f", the settings ask for {asked}",
        subject=name,
        hint="Ingest into a new one with --collection NAME, or set beast_worker_embedder=auto.",
    )


def _lexical(space: Space, settings: WorkerSettings) -> Bm25Encoder | None:
    if space.language is None:
        return None
    # Words of a full chunk; English has some six characters a word with its space.
    return Bm25Encoder(space.language, settings.chunk_characters / 6)


def _embedder(space: Space, models_url: str | None) -> Embedder | None:
    if not space.dimension:
        return None
    if space.embedder == "ollama" and models_url is None:
        raise UnavailableError(
            "this collection needs a model server, and there is none",
            subject=space.model,
            hint="Add ollama to beast_services.",
        )
    return embedder_for(space.embedder, space.model, models_url)
