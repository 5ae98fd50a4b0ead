# SPDX-License-Identifier: Apache-2.0
"""Open what knows answers to similar requests, with the embedder of the worker's settings."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.cards import read_services
from beast_ops.errors import SettingsError
from beast_ops.place import Place

from .caches import NEAR

if TYPE_CHECKING:
    from beast_ops.llm.model import Embedder
    from beast_ops.llm.similar import Similar

ROLE = "beast_worker"


@contextmanager
def opened(place: Place, url: str, least: float) -> Iterator["Similar"]:
    """Open it; an answer counts as that of a similar request from the closeness *least* on.

    Args:
        place: The installation.
        url: Where its model server is.
        least: From `LEAST` to 1.

    Raises:
        SettingsError: If the installation makes no vectors, or its embedder is not there.
    """
    import asyncio
    from collections.abc import Sequence

    from beast_ops.llm.similar import Similar, SimilarCache

    with closing(embedder(place, url)) as made, SimilarCache(place.cache / NEAR) as cache:
        identity = made.identity()
        if identity is None:  # it is not known what makes a vector, or it costs nothing
            identity = f"{made.name} {made.model}"

        async def embed(text: str) -> Sequence[float]:
            return await asyncio.to_thread(made.embed_query, text)

        yield Similar(cache, embed, identity, least)


def embedder(place: Place, url: str) -> "Embedder":
    """Return what makes vectors by the settings of the worker.

    Raises:
        SettingsError: If that makes none, or is not there.
    """
    from beast_ops.ingest.settings import WorkerSettings
    from beast_ops.llm.choose import embedder_for
    from beast_ops.settings import load

    services = read_services(place.require_deployed().services)
    said = next((each.config for each in services if each.role == ROLE and each.config), None)
    settings = WorkerSettings()
    if said is not None:
        settings = load(WorkerSettings, Path(place.config) / said / "settings.json")
    found = embedder_for(settings.embedder, settings.embed_model, url, settings.models_folder)
    if found is None:
        raise SettingsError(
            "similar requests are found by vectors, and there is nothing that makes any",
            subject="beast_worker_embedder",
            hint=f"Have the embedding model ({settings.embed_model}), or leave --similar out.",
        )
    return found
