# SPDX-License-Identifier: Apache-2.0
"""Which embedder: by settings when documents come in, by metadata when questions do."""

from collections.abc import Mapping
from typing import Any

from beast_ops import http
from beast_ops.errors import BeastError, SettingsError

from .hashing import HashEmbedder
from .model import Embedder
from .ollama import SERVICE, OllamaEmbedder

KINDS = ("auto", "none", "ollama", "hash")
PROBE_SECONDS = 5.0


def embedder_for(kind: str, model: str, url: str | None) -> Embedder | None:
    """Return the embedder that the settings ask for; `None` if there are to be no dense vectors.

    Args:
        kind: One of `KINDS`; `auto` is Ollama if it can be used just now.
        model: Which model Ollama shall use; for `hash`, `hash-64` makes vectors of 64 numbers.
        url: Where Ollama is, if anywhere.

    Raises:
        SettingsError: If the kind is unknown, or Ollama is asked for and there is none.
    """
    if kind == "none":
        return None
    if kind == "hash":
        return HashEmbedder.named(model)
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
    return OllamaEmbedder(url, model)


def embedder_of(metadata: Mapping[str, Any], url: str | None) -> Embedder | None:
    """Return the embedder that made the vectors of a collection, by its *metadata*.

    Raises:
        SettingsError: If it is unknown, or needs a model server and there is none.
    """
    kind = metadata.get("embedder") or "none"
    if kind == "hash":
        return HashEmbedder(int(metadata.get("dimension") or HashEmbedder().dimension))
    return embedder_for(str(kind), str(metadata.get("model", "")), url)


def probe(url: str, model: str) -> str | None:
    """Return why *model* cannot be used at the server at *url*, or `None` if it can."""
    try:
        with http.client(url, seconds=PROBE_SECONDS) as client, http.speaking_to(SERVICE):
            answer = client.get("/api/tags")
            answer.raise_for_status()
            names = {str(each["name"]) for each in answer.json()["models"]}
    except BeastError as failed:
        return str(failed)
    except (ValueError, KeyError, TypeError):
        return f"{SERVICE} does not answer like an Ollama server"
    wanted = model if ":" in model else f"{model}:latest"
    if wanted in names:
        return None
    return f"{SERVICE} does not have {model}; get it with: ollama pull {model}"
