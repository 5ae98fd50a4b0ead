# SPDX-License-Identifier: Apache-2.0
"""What a model server has on disk and in memory, and how a model leaves it."""

from dataclasses import dataclass
from typing import Any

from beast_ops import http
from beast_ops.errors import MissingError, ServiceError
from beast_ops.llm.calls import SERVICE, reason_in

from .names import full

SECONDS = 10.0
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class InMemory:
    """A model in memory.

    Attributes:
        bytes: All its bytes there.
        vram_bytes: Those in the memory of a GPU.
        context: How many tokens it can keep in mind as it was loaded, if that is known.
        until: When it leaves, as the server says it.
    """

    bytes: int
    vram_bytes: int
    context: int | None = None
    until: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model on disk.

    Attributes:
        name: Its name with its tag.
        bytes: Its size on disk.
        family: What it is built like, such as `llama`.
        parameters: How large it is in the words of its makers, such as `8.0B`.
        quantization: How its numbers are kept, such as `Q4_K_M`.
        context: How many tokens it can keep in mind, if that is known.
        modified: When it came, as the server says it.
        memory: How it is in memory, if it is.
    """

    name: str
    bytes: int
    family: str = ""
    parameters: str = ""
    quantization: str = ""
    context: int | None = None
    modified: str = ""
    memory: InMemory | None = None


async def models(url: str, seconds: float = SECONDS) -> list[Model]:
    """Return the models of the server at *url*, by name.

    Raises:
        UnavailableError: If it does not answer in *seconds*.
        ServiceError: If it answers with something else.
    """
    async with http.async_client(url, seconds=seconds) as client:
        with http.speaking_to(SERVICE):
            # Not at once: should one fail, the client closes under the feet of the other.
            tags, running = await client.get("/api/tags"), await client.get("/api/ps")
            tags.raise_for_status()
            running.raise_for_status()
    try:
        loaded = {str(each["name"]): _memory(each) for each in running.json()["models"] or ()}
        found = [_model(each, loaded) for each in tags.json()["models"] or ()]
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise ServiceError("does not answer like a model server", subject=url) from wrong
    return sorted(found, key=lambda each: each.name)


def delete(url: str, name: str, seconds: float = SECONDS) -> None:
    """Have the server at *url* forget the model *name*.

    Raises:
        MissingError: If it does not have it.
        UnavailableError: If it does not answer in *seconds*.
        ServiceError: If it refuses.
    """
    with http.client(url, seconds=seconds) as client, http.speaking_to(SERVICE):
        answer = client.request("DELETE", "/api/delete", json={"model": full(name)})
        if answer.status_code == NOT_FOUND:
            raise MissingError("the model server does not have this model", subject=name)
        if not answer.is_success:
            raise ServiceError(f"{SERVICE} refused: {reason_in(answer)}", subject=name)


def _model(said: dict[str, Any], loaded: dict[str, InMemory]) -> Model:
    details = said.get("details") or {}
    name = str(said["name"])
    return Model(
        name=name,
        bytes=int(said["size"]),
        family=str(details.get("family") or ""),
        parameters=str(details.get("parameter_size") or ""),
        quantization=str(details.get("quantization_level") or ""),
        context=_count(details.get("context_length")),
        modified=str(said.get("modified_at") or ""),
        memory=loaded.get(name),
    )


def _memory(said: dict[str, Any]) -> InMemory:
    return InMemory(
        bytes=int(said["size"]),
        vram_bytes=int(said.get("size_vram") or 0),
        context=_count(said.get("context_length")),
        until=str(said.get("expires_at") or ""),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
