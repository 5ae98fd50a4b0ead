# SPDX-License-Identifier: Apache-2.0
"""Look at disks: the models of an Ollama's store, and GGUF files in folders."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops.errors import ModelError

from . import gguf
from .entry import Entry, Family, Size
from .gguf import Header
from .manifests import Stored, stored

SUFFIX = ".gguf"
HEADER = "the head of its file"
FAMILIES: tuple[tuple[str, Family], ...] = (
    *(("mixtral", "mistral"), ("mistral", "mistral"), ("deepseek", "deepseek")),
    *(("qwen", "qwen"), ("gemma", "gemma"), ("phi", "phi"), ("whisper", "whisper")),
    *(("flux", "flux"), ("sdxl", "sdxl"), ("llama", "llama")),
)
EMBEDDERS = ("bert", "nomic-bert", "jina-bert-v2", "xlm-roberta")
OTHERS = re.compile(r"[^A-Za-z0-9._:/+-]+")


@dataclass(frozen=True, slots=True)
class Found:
    """A model on a disk.

    Attributes:
        name: What it is called.
        path: The file of its weights.
        location: `ollama` or `folder`.
        bytes: All its bytes.
        sha256: Of the weights, where the store knows it.
        stat: What the file system says of the weights, before anybody read them.
        installed: When it came, in seconds since 1970.
        entry: What its head says; with its id alone if that cannot be read.
    """

    name: str
    path: Path
    location: str
    bytes: int
    sha256: str
    stat: os.stat_result
    installed: float
    entry: Entry


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that is no model, and why."""

    path: Path
    why: str


def in_store(root: Path) -> Iterator[Found | Refused]:
    """Yield the whole models of the store at *root*, which has `manifests` and `blobs`."""
    for model in stored(root):
        blobs = [root / "blobs" / blob.file for blob in model.blobs]
        try:
            size = sum(blob.stat().st_size for blob in blobs)
            installed = model.manifest.stat().st_mtime
        except OSError:
            yield Refused(model.manifest, "a part of it is missing")
            continue
        yield from _weights(root, model, size, installed)


def _weights(root: Path, model: Stored, size: int, installed: float) -> Iterator[Found | Refused]:
    for blob in model.blobs:
        if blob.weights:
            path = root / "blobs" / blob.file
            status = path.stat()
            header, why = _header(path)
            if why:
                yield Refused(path, why)
            entry = _entry(model.name, header, size, blob.sha256)
            yield Found(model.name, path, "ollama", size, blob.sha256, status, installed, entry)
            return


def in_folder(folder: Path) -> Iterator[Found | Refused]:
    """Yield the GGUF files in *folder* and below, by path; links to folders are not followed."""
    for home, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(home, name)
            if name.lower().endswith(SUFFIX) and not name.startswith("."):
                yield from _file(path, folder)


def _file(path: Path, folder: Path) -> Iterator[Found | Refused]:
    try:
        status = path.stat()
    except OSError as failed:
        yield Refused(path, str(failed.strerror))
        return
    header, why = _header(path)
    if header is None:
        yield Refused(path, why)
        return
    name = _id(path.relative_to(folder))
    entry = _entry(name, header, status.st_size, "")
    size = status.st_size
    yield Found(name, path, "folder", size, "", status, status.st_mtime, entry)


def _header(path: Path) -> tuple[Header | None, str]:
    try:
        return gguf.read_header(path), ""
    except ModelError as wrong:
        return None, str(wrong)
    except OSError as failed:
        return None, str(failed.strerror)


def _id(path: Path) -> str:
    name = OTHERS.sub("-", path.with_suffix("").as_posix()).lstrip("-._:/+")
    return name[:200] or "model"


def _entry(name: str, header: Header | None, size: int, sha256: str) -> Entry:
    identity = OTHERS.sub("-", name).lstrip("-._:/+")[:200] or "model"
    if header is None:
        return Entry(id=identity, sha256=sha256)
    kind = header.architecture
    known: Mapping[str, Any] = {
        "parameters": header.parameters,
        "context": header.context,
        "quantization": header.quantization,
        "license": header.license[:200],
    }
    whose = {
        key: header.parameters_from if key == "parameters" else HEADER
        for key, value in known.items()
        if value
    }
    return Entry(
        id=identity,
        name=header.name[:200],
        family=_family(kind, f"{name} {header.name}".casefold()),
        tasks=("embedding",) if kind in EMBEDDERS else (),
        sizes=(Size(quantization=header.quantization, bytes=size, source=HEADER),),
        sha256=sha256,
        source=HEADER,
        sources={**whose, "family": HEADER},
        **known,
    )


def _family(kind: str, name: str) -> Family:
    """Return the family; many are built like a llama, and only their name tells them apart."""
    said = f"{name} " if kind == "llama" else kind.casefold()
    found = next((family for word, family in FAMILIES if word in said), None)
    return found or ("llama" if kind == "llama" else "other")
