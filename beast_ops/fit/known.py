# SPDX-License-Identifier: Apache-2.0
"""What is known of models before one has them: by the catalogue, the registry, and their files."""

from functools import cache
from pathlib import Path

from beast_ops.models.catalogue import catalogue
from beast_ops.models.entry import Entry
from beast_ops.models.gguf import read_values
from beast_ops.models.names import full

from .facts import Facts, read

HEADER = "the head of its file"
# What a name without a tag stands for in Ollama's library.
_ALIASES = {
    "llama3.2:latest": "llama3.2:3b",
    "llama3.1:latest": "llama3.1:8b",
    "llama3.3:latest": "llama3.3:70b",
    "qwen2.5:latest": "qwen2.5:7b",
    "phi4:latest": "phi4:14b",
    "nomic-embed-text:v1.5": "nomic-embed-text:latest",
}


def known(name: str) -> Facts | None:
    """Return what the catalogue says of the model *name*, without asking anybody."""
    called = full(name)
    return _all().get(_ALIASES.get(called, called))


def facts_of(entry: Entry) -> Facts | None:
    """Return what *entry* says a model takes; nothing if its size is not known."""
    if entry.size is None:
        return None
    whose = (way.source for way in entry.sizes if way.bytes == entry.size)
    said = [next(whose, ""), entry.sources.get("cache", "")]
    source = ", ".join(dict.fromkeys(filter(None, said))) or "the registry"
    return Facts(
        full(entry.id), entry.size, entry.cache, entry.parameters, entry.context, source=source
    )


def facts_in(path: Path) -> Facts:
    """Return what the GGUF file at *path* says that its model takes.

    Raises:
        ModelError: If it is no GGUF file, or a damaged one.
        OSError: If it cannot be read.
    """
    header, values = read_values(path)
    if header.parameters is not None:
        values.setdefault("general.parameter_count", header.parameters)
    return read(path.name, header.size, values, HEADER, here=True)


@cache
def _all() -> dict[str, Facts]:
    found = (facts_of(entry) for entry in catalogue())
    return {each.name: each for each in found if each is not None}
