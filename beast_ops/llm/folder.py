# SPDX-License-Identifier: Apache-2.0
"""A model in a folder on disk, as sentence-transformers and Hugging Face lay it out.

Only what the folder says is believed, and nothing is fetched: a folder that lacks something is
refused with what it lacks.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from beast_ops.errors import SettingsError

from .prefixes import Prefixes, prefixes_of

LONGEST = 512  # tokens, where the folder says nothing: what a BERT has places for
ENDLESS = 1_000_000  # tokenizers without a limit say 10**30
TOKENIZER = "tokenizer.json"
ONNX = ("onnx/model.onnx", "model.onnx", "model_optimized.onnx")
WEIGHTS = ("*.onnx", "onnx/*.onnx", "*.onnx_data", "onnx/*.onnx_data", "*.safetensors", "*.bin")
SAYS = ("*.json", "*/config.json")
PART_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model on disk.

    Attributes:
        path: The folder.
        model: Its name below the folder of models.
    """

    path: Path
    model: str

    @property
    def dimension(self) -> int:
        """How many numbers a vector has.

        Raises:
            SettingsError: If the folder does not say.
        """
        steps = self.steps()
        size = next((each[key] for each in reversed(steps) for key in _SIZES if key in each), None)
        size = size or self._said("config.json").get("hidden_size")
        if not isinstance(size, int) or size < 1:
            raise self.lacks("config.json with hidden_size")
        return size

    @property
    def longest(self) -> int:
        """How many tokens it reads at once, marks at the ends included."""
        said = (
            self._said("sentence_bert_config.json").get("max_seq_length"),
            self._said("tokenizer_config.json").get("model_max_length"),
            self._said("config.json").get("max_position_embeddings"),
        )
        fit = [int(each) for each in said if isinstance(each, int | float) and 0 < each < ENDLESS]
        return min(fit, default=LONGEST)

    @property
    def prefixes(self) -> Prefixes:
        """What the model wants to read before a text: as the folder says, else as is known."""
        prompts = self._said("config_sentence_transformers.json").get("prompts") or {}
        found = Prefixes(
            *(str(prompts.get(name) or "") for name in ("document", "query"))
            if isinstance(prompts, dict)
            else ()
        )
        return found if found != Prefixes() else prefixes_of(self.model)

    def steps(self) -> list[dict[str, Any]]:
        """Return the settings of the steps after the transformer, each with its `kind`."""
        modules = self._read("modules.json", [])
        found = []
        for module in modules if isinstance(modules, list) else ():
            kind = str(module.get("type", "")).rpartition(".")[2]
            if kind != "Transformer":
                found.append({**self._said(f"{module.get('path')}/config.json"), "kind": kind})
        return found

    def first(self, names: Sequence[str]) -> str:
        """Return the first of *names* that is in the folder.

        Raises:
            SettingsError: If none is.
        """
        for name in names:
            if (self.path / name).is_file():
                return name
        raise self.lacks(" or ".join(names))

    def digest(self) -> str:
        """Return a digest of all that decides its vectors."""
        total = hashlib.sha256()
        for pattern in (*SAYS, *WEIGHTS):
            for path in sorted(self.path.glob(pattern)):
                total.update(f"{path.relative_to(self.path)}\0{path.stat().st_size}\0".encode())
                with path.open("rb") as file:
                    while part := file.read(PART_BYTES):
                        total.update(part)
        return total.hexdigest()

    def lacks(self, what: str) -> SettingsError:
        """Return the error that says what the folder lacks."""
        return SettingsError(
            f"the folder of this model has no {what}",
            subject=str(self.path),
            hint="Put the whole folder of the model there; nothing is fetched.",
        )

    def _said(self, name: str) -> dict[str, Any]:
        found = self._read(name, {})
        return found if isinstance(found, dict) else {}

    def _read(self, name: str, otherwise: Any) -> Any:
        try:
            return json.loads((self.path / name).read_bytes())
        except (OSError, ValueError):
            return otherwise


_SIZES = ("out_features", "word_embedding_dimension")


def open_folder(folder: str, model: str, package: str) -> ModelFolder:
    """Return the model called *model* in the folder of models *folder*.

    Args:
        folder: Where models lie, each in a folder of its own; empty if nobody said.
        model: Its name.
        package: What runs it, which must be installed.

    Raises:
        SettingsError: If the package, the setting or the model is missing.
    """
    if find_spec(package.replace("-", "_")) is None:
        raise SettingsError(
            f"{package} is not installed where the stack runs",
            subject="embedder",
            hint=f"See docs/guides/vectors.md; the extra is called ai-beast[{package}].",
        )
    if not folder:
        raise SettingsError(
            f"{package} reads models from a folder on disk, and none is set",
            subject="models_folder",
            hint="Set beast_worker_models_folder and beast_api_models_folder.",
        )
    path = Path(folder) / model
    if not model or Path(model).name != model or model.startswith("."):
        raise SettingsError(
            "not the name of a folder", subject=model[:100], hint=f"Name one that lies in {folder}."
        )
    if not path.is_dir():
        raise SettingsError(
            "there is no such model on disk",
            subject=str(path),
            hint="Put the folder of the model there; nothing is fetched.",
        )
    return ModelFolder(path, model)
