# SPDX-License-Identifier: Apache-2.0
"""What a model server has on disk and in memory, and how a model leaves it."""

from dataclasses import replace

from beast_ops.llm.listing import InMemory, Model
from beast_ops.llm.ollama_server import at, once

__all__ = ["InMemory", "Model", "delete", "models"]

SECONDS = 10.0


async def models(url: str, seconds: float = SECONDS) -> list[Model]:
    """Return the models of the server at *url*, by name.

    Raises:
        UnavailableError: If it does not answer in *seconds*.
        ServiceError: If it answers with something else.
    """
    async with at(url, seconds) as server:
        # Not at once: should one fail, the client closes under the feet of the other.
        found, loaded = await server.installed(), await server.running()
    here = [replace(each, memory=loaded.get(each.name)) for each in found]
    return sorted(here, key=lambda each: each.name)


def delete(url: str, name: str) -> None:
    """Have the server at *url* forget the model *name*.

    Raises:
        MissingError: If it does not have it.
        UnavailableError: If it does not answer.
        ServiceError: If it refuses.
    """
    once(url, lambda server: server.delete(name))
