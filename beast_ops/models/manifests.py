# SPDX-License-Identifier: Apache-2.0
"""The models that an Ollama keeps on its disk.

manifests/<registry>/<namespace>/<model>/<tag>    JSON that names the blobs
blobs/sha256-<64 hexadecimal digits>              named by their content
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops.errors import ModelError

WEIGHTS = "application/vnd.ollama.image.model"
USUAL_REGISTRY, USUAL_SPACE = "registry.ollama.ai", "library"
MOST_BYTES = 1 << 20  # of a manifest; they have about a thousand
_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PARTS = 4  # registry, namespace, model, tag


@dataclass(frozen=True, slots=True)
class Blob:
    """A part of a model: its content's SHA-256, and whether these are the weights."""

    sha256: str
    weights: bool

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"sha256-{self.sha256}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A model.

    Attributes:
        name: What it is called, such as `llama3.2:3b`.
        manifest: Its file.
        content: What stands in there.
        blobs: Its parts, each once.
    """

    name: str
    manifest: Path
    content: bytes
    blobs: tuple[Blob, ...]


def stored(root: Path) -> Iterator[Stored]:
    """Yield the models below *root*, by name; what is no manifest is passed over.

    Args:
        root: The folder with `manifests` and `blobs`.
    """
    home = root / "manifests"
    for path in sorted(home.glob("/".join("*" * PARTS))):
        if all(map(_PART.fullmatch, path.relative_to(home).parts)) and path.is_file():
            try:
                yield read_manifest(path, name_of(path.relative_to(home)))
            except (OSError, ModelError):
                continue  # being fetched, or damaged


def read_manifest(path: Path, name: str) -> Stored:
    """Return the model whose manifest is the file at *path*.

    Raises:
        ModelError: If it is no manifest.
        OSError: If it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    return Stored(name, path, content, parse(content, str(path)))


def parse(content: bytes, subject: str) -> tuple[Blob, ...]:
    """Return the blobs that the manifest *content* names, each once.

    Raises:
        ModelError: If it is none.
    """
    try:
        said = json.loads(content if len(content) <= MOST_BYTES else b"")
        blobs = [_blob(each) for each in (said["config"], *said["layers"])]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise ModelError(
            "this is no manifest of a model", subject=subject, hint="Pull the model again."
        ) from wrong
    return tuple({blob.sha256: blob for blob in blobs}.values())


def _blob(said: dict[str, Any]) -> Blob:
    fits = _DIGEST.fullmatch(said["digest"])
    if fits is None:
        raise ValueError
    return Blob(fits[1], said.get("mediaType") == WEIGHTS)


def name_of(path: Path) -> str:
    """Return what the model is called whose manifest lies at *path* below the manifests."""
    registry, space, model, tag = path.parts
    name = f"{model}:{tag}"
    if registry == USUAL_REGISTRY:
        return name if space == USUAL_SPACE else f"{space}/{name}"
    return f"{registry}/{space}/{name}"


def path_of(name: str) -> Path:
    """Return where the manifest of the model *name* lies below the manifests.

    Raises:
        ModelError: If that is no name of a model.
    """
    rest, _, tag = name.partition(":") if "/" not in name else _split(name)
    parts = [*rest.split("/"), tag or "latest"]
    usual = [USUAL_REGISTRY, USUAL_SPACE]
    parts = [*usual[: PARTS - len(parts)], *parts]
    if len(parts) != PARTS or not all(map(_PART.fullmatch, parts)):
        raise ModelError("this is no name of a model", subject=name[:200])
    return Path(*parts)


def _split(name: str) -> tuple[str, str, str]:
    spaces, _, last = name.rpartition("/")
    model, colon, tag = last.partition(":")
    return f"{spaces}/{model}", colon, tag
