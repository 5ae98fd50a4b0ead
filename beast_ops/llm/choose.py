# SPDX-License-Identifier: Apache-2.0
"""Which embedder: by settings when documents come in, by metadata when questions do."""

from collections.abc import Mapping
from typing import Any

from beast_ops.errors import BeastError, SettingsError

from .calls import SERVICE
from .folder import open_folder
from .hashing import HashEmbedder
from .local import KINDS as LOCAL
from .local import LocalEmbedder
from .model import Embedder
from .ollama import OllamaEmbedder, tagged
from .ollama_server import once
from .prefixes import Prefixes

KINDS = ("auto", "none", "ollama", "hash", *LOCAL)
PROBE_SECONDS = 5.0


def embedder_for(
    kind: str,
    model: str,
    url: str | None,
    folder: str = "",
    prefixes: Prefixes | None = None,
) -> Embedder | None:
    """Return the embedder that the settings ask for; `None` if there are to be no dense vectors.

    Args:
        kind: One of `KINDS`; `auto` is Ollama if it can be used just now.
        model: Which model Ollama shall use; for `hash`, `hash-64` makes vectors of 64 numbers.
        url: Where Ollama is, if anywhere.
        folder: Where models lie that run here, if anywhere.
        prefixes: What stands before texts; as the model wants it if left out.

    Raises:
        SettingsError: If the kind is unknown, or what it needs is not there.
    """
    if kind == "none":
        return None
    if kind == "hash":
        return HashEmbedder.named(model)
    if kind in LOCAL:
        return LocalEmbedder(kind, open_folder(folder, model, kind), prefixes)
    if kind == "auto":
        usable = url is not None and probe(url, model) is None
        return OllamaEmbedder(url, model) if usable and url is not None else None
    if kind != "ollama":
        raise SettingsError("no such embedder", subject=kind, hint=f"Known: {', '.join(KINDS)}.")
    if url is None:
        raise SettingsError(
            "the embedder is ollama, but there is no model server",
            subject="embedder",
            hint="Add ollama to beast_services, or choose another embedder.",
        )
    return OllamaEmbedder(url, model, prefixes=prefixes)


def embedder_of(metadata: Mapping[str, Any], url: str | None, folder: str = "") -> Embedder | None:
    """Return the embedder that made the vectors of a collection, by its *metadata*.

    Args:
        metadata: What the collection says of itself.
        url: Where Ollama is, if anywhere.
        folder: Where models lie that run here, if anywhere.

    Raises:
        SettingsError: If it is unknown, what it needs is not there, or the model that is there
            makes other vectors now.
    """
    kind = metadata.get("embedder") or "none"
    if kind == "hash":
        return HashEmbedder(int(metadata.get("dimension") or HashEmbedder().dimension))
    model, said = str(metadata.get("model", "")), metadata.get("prefixes")
    prefixes = None if said is None else Prefixes(**said)
    embedder = embedder_for(str(kind), model, url, folder, prefixes)
    if isinstance(embedder, LocalEmbedder):
        _judge(embedder, int(metadata.get("dimension") or 0))
    return embedder


def _judge(embedder: LocalEmbedder, dimension: int) -> None:
    if embedder.dimension != dimension:
        raise SettingsError(
            f"the model in this folder makes vectors of {embedder.dimension} numbers now, the "
            f"collection has {dimension}",
            subject=embedder.model,
            hint="Put back the model it was made with; or give the other another name and run: "
            f"./beast reembed COLLECTION --embedder {embedder.name} --model NAME",
        )


def probe(url: str, model: str) -> str | None:
    """Return why *model* cannot be used at the server at *url*, or `None` if it can."""
    try:
        names = once(url, lambda server: server.models(), PROBE_SECONDS)
    except BeastError as failed:
        return str(failed)
    if tagged(model) in names:
        return None
    return f"{SERVICE} does not have {model}; get it with: ollama pull {model}"
