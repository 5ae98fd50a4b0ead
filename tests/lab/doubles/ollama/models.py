# SPDX-License-Identifier: Apache-2.0
"""Models on disk, and the registry they come from."""

import hashlib
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

REGISTRY = "registry.ollama.ai"
# What the registry knows: family, parameters, length of vectors (0: it makes text).
KNOWN = {
    "nomic-embed-text": ("nomic-bert", "137M", 768),
    "mxbai-embed-large": ("bert", "334M", 1024),
    "all-minilm": ("bert", "23M", 384),
    "bge-m3": ("bert", "567M", 1024),
    "embeddinggemma": ("gemma3", "308M", 768),
    "qwen3-embedding": ("qwen3", "596M", 1024),
    "llama3.2": ("llama", "3.2B", 0),
    "llama3.1": ("llama", "8.0B", 0),
    "llama3": ("llama", "8.0B", 0),
    "qwen2.5": ("qwen2", "494M", 0),
    "qwen3": ("qwen3", "752M", 0),
    "gemma3": ("gemma3", "1.0B", 0),
    "mistral": ("llama", "7.2B", 0),
    "phi4-mini": ("phi3", "3.8B", 0),
    "smollm2": ("llama", "135M", 0),
    "tinyllama": ("llama", "1B", 0),
    "deepseek-r1": ("qwen2", "1.8B", 0),
}
CONTEXT = 2048
_BLOB = 64 * 1024
_GRACE = 3600


def home() -> Path:
    """Return the folder of the models."""
    given = os.environ.get("OLLAMA_MODELS")
    return Path(given) if given else Path.home() / ".ollama/models"


def full(name: str) -> str:
    """Return *name* with its tag."""
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def family(name: str) -> tuple[str, str, int] | None:
    """Return what the registry knows of *name*, or nothing."""
    return KNOWN.get(full(name).rpartition(":")[0].rpartition("/")[2])


def layers(name: str) -> list[tuple[str, bytes]]:
    """Return digest and content of the layers of a model, the same every time."""
    parts = [f"weights of {full(name)}\n".encode() * 2000, f"licence of {full(name)}\n".encode()]
    parts = [
        (part * (_BLOB // len(part) + 1))[:_BLOB] if i == 0 else part
        for i, part in enumerate(parts)
    ]
    return [(f"sha256:{hashlib.sha256(part).hexdigest()}", part) for part in parts]


def _manifest(name: str) -> Path:
    model, _, tag = full(name).rpartition(":")
    space = model if "/" in model else f"library/{model}"
    return home() / "manifests" / REGISTRY / space / tag


def has(name: str) -> bool:
    """Return whether the model is here, with all its blobs."""
    path = _manifest(name)
    if not path.is_file():
        return False
    named = json.loads(path.read_text(encoding="utf-8"))["layers"]
    return all(blob(layer["digest"]).is_file() for layer in named)


def blob(digest: str) -> Path:
    """Return where a blob lies."""
    return home() / "blobs" / digest.replace(":", "-")


def keep(name: str) -> None:
    """Write the manifest of a model whose blobs are here."""
    path = _manifest(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    named = [{"digest": digest, "size": len(data)} for digest, data in layers(name)]
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(json.dumps({"schemaVersion": 2, "layers": named}), encoding="utf-8")
    unfinished.rename(path)


def store(digest: str, data: bytes) -> None:
    """Write a blob."""
    path = blob(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}-partial-{time.monotonic_ns()}")
    unfinished.write_bytes(data)
    unfinished.rename(path)


def copy(source: str, target: str) -> None:
    """Give a model a second name."""
    path = _manifest(target)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_manifest(source).read_bytes())


def delete(name: str) -> None:
    """Forget a model; blobs that no other one names go, too."""
    _manifest(name).unlink()
    prune(grace=0)


def prune(grace: float = _GRACE) -> None:
    """Remove blobs that no manifest names and that are older than *grace* seconds."""
    named = {
        layer["digest"].replace(":", "-")
        for path in _manifests()
        for layer in json.loads(path.read_text(encoding="utf-8"))["layers"]
    }
    folder = home() / "blobs"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in named and time.time() - path.stat().st_mtime >= grace:
            path.unlink(missing_ok=True)


def _manifests() -> list[Path]:
    folder = home() / "manifests"
    found = sorted(folder.rglob("*")) if folder.is_dir() else []
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


def names() -> list[str]:
    """Return the full names of all models here, newest first."""
    found = sorted(_manifests(), key=lambda path: path.stat().st_mtime, reverse=True)
    texts = []
    for path in found:
        space = path.relative_to(home() / "manifests" / REGISTRY).parts
        texts.append(f"{'/'.join(space[:-1]).removeprefix('library/')}:{space[-1]}")
    return texts


def described(name: str) -> dict[str, Any]:
    """Return what `/api/tags` says of a model."""
    path = _manifest(name)
    data = path.read_bytes()
    kind, parameters, length = family(name) or ("llama", "1B", 0)
    details: dict[str, Any] = {
        "parent_model": "",
        "format": "gguf",
        "family": kind,
        "families": [kind],
        "parameter_size": parameters,
        "quantization_level": "F16" if length else "Q4_K_M",
        "context_length": CONTEXT,
    }
    if length:
        details["embedding_length"] = length
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return {
        "name": full(name),
        "model": full(name),
        "modified_at": changed.isoformat().replace("+00:00", "Z"),
        "size": sum(layer["size"] for layer in json.loads(data)["layers"]),
        "digest": hashlib.sha256(data).hexdigest(),
        "details": details,
        "capabilities": ["embedding"] if length else ["completion"],
    }
