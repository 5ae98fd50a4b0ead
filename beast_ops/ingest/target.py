# SPDX-License-Identifier: Apache-2.0
"""Where passages go: a collection, and what makes its vectors."""

from dataclasses import dataclass

from beast_ops.errors import SettingsError
from beast_ops.llm import Embedder, embedder_for, embedder_of

from .chunk import CHARACTERS
from .settings import WorkerSettings
from .space import Space
from .sparse import AVERAGE, Bm25Encoder
from .state import DocumentState
from .store import PointStore, first


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

    def close(self) -> None:
        """Close what its embedder opened."""
        if self.embedder is not None:
            self.embedder.close()


def open_target(
    store: PointStore,
    state: DocumentState,
    name: str,
    settings: WorkerSettings,
    models_url: str | None,
) -> Target:
    """Open the collection behind the alias *name*, making it if it is missing.

    Args:
        store: Where it is.
        state: What is known of its documents; nothing any more if it has to be made.
        name: The alias.
        settings: What makes its vectors if it has to be made, and what they must agree with.
        models_url: Where the model server is, if there is one.

    Raises:
        SettingsError: If it was made with another embedder than the settings ask for.
        UnavailableError: If the store, or the model server it needs, does not answer.
    """
    found = store.find(name)
    if found is None:
        embedder = embedder_for(
            settings.embedder, settings.embed_model, models_url, settings.models_folder
        )
        target = Target(first(name), lexical_of(settings.language, settings), embedder)
        _make(target, store, state, name, settings.language)
        return target
    collection, space = found
    _refuse_mismatch(name, space, settings)
    store.index(collection)
    embedder = embedder_of(space.as_dict(), models_url, settings.models_folder)
    return Target(collection, lexical_of(space.language, settings), embedder)


def _make(
    target: Target, store: PointStore, state: DocumentState, name: str, language: str
) -> None:
    """Make the collection of *target*, which is open already: nothing refuses it any more."""
    try:
        space = Space.of(target.embedder, language)
        state.clear(target.collection)  # before it exists: a crash between must not leave the old
        store.make(name, target.collection, space)
    except BaseException:
        target.close()
        raise


def _refuse_mismatch(name: str, space: Space, settings: WorkerSettings) -> None:
    asked = settings.embedder
    same_model = asked in {"none", "hash"} or space.model == settings.embed_model
    if asked == "auto" or (asked == space.embedder and same_model):
        return
    raise SettingsError(
        f"this collection was made with the embedder {space.embedder} {space.model}".rstrip()
        + f", the settings ask for {asked}",
        subject=name,
        hint=f"Change it with: ./beast reembed {name} --model MODEL. "
        "Or leave it as it is: beast_worker_embedder=auto.",
    )


def lexical_of(language: str | None, settings: WorkerSettings) -> Bm25Encoder | None:
    """Return what makes sparse vectors of texts in *language*; `None` if there are to be none."""
    if language is None:
        return None
    return Bm25Encoder(language, AVERAGE * settings.chunk_characters / CHARACTERS)
