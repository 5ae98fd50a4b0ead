# SPDX-License-Identifier: Apache-2.0
"""The store of an Ollama, made by tests as FACTS has it: manifests that name blobs."""

import hashlib
import json
from pathlib import Path

from beast_ops.models.manifests import path_of

TYPE = "application/vnd.ollama.image"


def put_model(root: Path, name: str, weights: bytes, template: bytes = b"{{ .Prompt }}") -> bytes:
    """Have the model *name* in the store at *root*; return its manifest."""
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    parts = {"model": weights, "template": template}
    layers = [_blob(root, content, f"{TYPE}.{kind}") for kind, content in parts.items()]
    config = _blob(root, b'{"model_format":"gguf"}', "application/vnd.docker.container.image.v1")
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": layers}).encode()
    path = root / "manifests" / path_of(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(manifest)
    return manifest


def _blob(root: Path, content: bytes, kind: str) -> dict[str, object]:
    sha256 = hashlib.sha256(content).hexdigest()
    path = root / "blobs" / f"sha256-{sha256}"
    if not path.exists():
        path.write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{sha256}", "size": len(content)}
