# SPDX-License-Identifier: Apache-2.0
"""Models of an Ollama: a list with digests, and the files of the small ones.

    models/manifests/<registry>/<namespace>/<model>/<tag>    JSON that names the blobs
    models/blobs/sha256-<64 hexadecimal digits>              named by their content

A large model is fetched again; what the list keeps is which one it was. A tag may lead to
another model by then, so a restore compares digests.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.errors import BeastError
from beast_ops.llm.ollama_server import once
from beast_ops.models.manifests import stored

from . import Source, Staged

DATA, TREE = "data", "models"
LISTING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Model:
    """A model on the disk: its manifest, its blobs, and their bytes together."""

    manifest: Path
    blobs: tuple[Path, ...]
    size: int


class HeldModels:
    """The models of one server; files are named by their content, so nothing need stand still."""

    def __init__(self, item: Item, source: Source) -> None:
        """Ask the server which models it has."""
        self._name = f"{DATA}/{item.path}"
        self._root = source.data / item.path
        self._most = source.model_bytes
        self._listed = _listed(source.service(item).address)

    def release(self) -> None:
        """Do nothing."""

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put the small models into the archive; return the list of all."""
        root, done, kept = self._root.resolve() / TREE, set[Path](), []
        for model in on_disk(root):
            if model.size > self._most:
                continue
            kept.append("/".join(model.manifest.parts[-2:]))
            for path in (model.manifest, *model.blobs):
                if path not in done:
                    writer.add_file(path, f"{self._name}/{TREE}/{path.relative_to(root)}")
                    done.add(path)
        return {"models": self._listed, "files": kept}

    def close(self) -> None:
        """Do nothing."""


def hold(item: Item, source: Source) -> HeldModels:
    """Ask which models there are."""
    return HeldModels(item, source)


def bring(item: Item, staged: Staged, facts: Mapping[str, Any]) -> None:
    """Do nothing: what was extracted lies where the server looks."""


def judge(item: Item, staged: Staged, facts: Mapping[str, Any]) -> str:
    """Find nothing wrong: models that are missing are fetched when the release is put in force."""
    del item, staged, facts
    return ""


def on_disk(root: Path) -> Iterator[Model]:
    """Yield the whole models below *root*, the folder `models` of a server."""
    for model in stored(root):
        blobs = tuple(root / "blobs" / blob.file for blob in model.blobs)
        try:
            size = sum(blob.stat().st_size for blob in blobs)
        except OSError:
            continue  # being fetched
        yield Model(model.manifest, blobs, size)


def _listed(address: str | None) -> list[dict[str, Any]]:
    if address is None:
        return []
    try:
        found = once(address, lambda server: server.installed(), LISTING_SECONDS)
    except BeastError:
        return []  # a stack without models is backed up, too
    return [{"name": each.name, "digest": each.digest, "size": each.bytes} for each in found]
