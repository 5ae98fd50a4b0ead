# SPDX-License-Identifier: Apache-2.0
"""What an Ollama server has on disk and in memory, as it tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

NEWEST = ":latest"


@dataclass(frozen=True, slots=True)
class InMemory:
    """A model in memory.

    Attributes:
        bytes: All its bytes there.
        vram_bytes: Those in the memory of a GPU.
        context: How many tokens it can keep in mind as it was loaded, if that is known.
        until: When it leaves, as the server says it.
        digest: Of the model, as in `Model`.
    """

    bytes: int
    vram_bytes: int
    context: int | None = None
    until: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """A model on disk.

    Attributes:
        name: Its name with its tag.
        bytes: Its size on disk; 0 if the server does not tell.
        family: What it is built like, such as `llama`.
        parameters: How large it is in the words of its makers, such as `8.0B`.
        quantization: How its numbers are kept, such as `Q4_K_M`.
        context: How many tokens it can keep in mind, if that is known.
        modified: When it came, as the server says it.
        memory: How it is in memory, if it is and that was asked.
        digest: Of its weights and all that belongs to them.
        capabilities: What it can, such as `completion`; `None` from servers before 0.9.
    """

    name: str
    bytes: int
    family: str = ""
    parameters: str = ""
    quantization: str = ""
    context: int | None = None
    modified: str = ""
    memory: InMemory | None = None
    digest: str = ""
    capabilities: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class About:
    """What a server knows of one model.

    Attributes:
        capabilities: What it can; `None` from servers that do not tell.
        context: How many tokens it can keep in mind, if that is known.
        details: Its family, parameters and quantization, as the server says it.
        info: What stands in the header of its file.
    """

    capabilities: tuple[str, ...] | None
    context: int | None
    details: Mapping[str, Any]
    info: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """How far a server is with what it fetches or makes.

    Attributes:
        status: What it does, in its words; `success` is the last.
        digest: The layer it is about, if it is.
        total: Bytes of that layer.
        completed: Those of them that are here.
        attempt: The number of the attempt that begins with this, if one does.
    """

    status: str
    digest: str = ""
    total: int = 0
    completed: int = 0
    attempt: int = 0


def full(name: str) -> str:
    """Return *name* with its tag: one without means the newest."""
    return name if ":" in name.rpartition("/")[2] else f"{name}{NEWEST}"


def models(said: Any) -> list[Model]:
    """Return what a list of models says; what it cannot be raises as Python does."""
    return [_model(each) for each in said["models"] or ()]


def running(said: Any) -> dict[str, InMemory]:
    """Return by name what a list of the models in memory says; raises as `models` does."""
    return {str(each["name"]): _memory(each) for each in said["models"] or ()}


def about(said: Any) -> About:
    """Return what a description of a model says; raises as `models` does."""
    info = dict(said.get("model_info") or {})
    context = count(info.get(f"{info.get('general.architecture')}.context_length"))
    return About(_words(said.get("capabilities")), context, dict(said.get("details") or {}), info)


def step(said: Any) -> Step:
    """Return what a line of progress says; raises as `models` does."""
    total, done = count(said.get("total")), count(said.get("completed"))
    return Step(str(said.get("status") or ""), str(said.get("digest") or ""), total or 0, done or 0)


def count(value: Any) -> int | None:
    """Return *value* if it is a number of something."""
    return value if isinstance(value, int) and value > 0 else None


def _model(said: Mapping[str, Any]) -> Model:
    details = said.get("details") or {}
    return Model(
        name=str(said["name"]),
        bytes=int(said.get("size") or 0),
        family=str(details.get("family") or ""),
        parameters=str(details.get("parameter_size") or ""),
        quantization=str(details.get("quantization_level") or ""),
        context=count(details.get("context_length")),
        modified=str(said.get("modified_at") or ""),
        digest=str(said.get("digest") or ""),
        capabilities=_words(said.get("capabilities")),
    )


def _memory(said: Mapping[str, Any]) -> InMemory:
    return InMemory(
        bytes=int(said["size"]),
        vram_bytes=int(said.get("size_vram") or 0),
        context=count(said.get("context_length")),
        until=str(said.get("expires_at") or ""),
        digest=str(said.get("digest") or ""),
    )


def _words(said: Any) -> tuple[str, ...] | None:
    return None if said is None else tuple(str(each) for each in said)
