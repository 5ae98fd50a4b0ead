# SPDX-License-Identifier: Apache-2.0
"""Embedders that run here, on the processor, from a folder on disk.

Their packages are extras and take seconds to load: both wait until the first text comes.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from .folder import ONNX, TOKENIZER, ModelFolder
from .model import TextError, Vectors
from .prefixes import Prefixes

BATCH = 16  # 32 and more are no faster on a processor, and take more memory
LONG = "too long for the model"
FASTEMBED = "fastembed"
SENTENCES = "sentence-transformers"

Encode = Callable[[list[str]], Vectors]
Count = Callable[[list[str]], list[int]]  # tokens of each text


class LocalEmbedder:
    """An embedder on this machine; one for all threads."""

    def __init__(self, name: str, folder: ModelFolder, prefixes: Prefixes | None = None) -> None:
        """Run the model in *folder* by the package *name*.

        Args:
            name: `FASTEMBED` or `SENTENCES`.
            folder: Where it is.
            prefixes: What stands before texts; as the folder says if left out.

        Raises:
            SettingsError: If the folder lacks what the package needs.
        """
        self.name, self.model = name, folder.model
        self.dimension = folder.dimension
        self.prefixes = folder.prefixes if prefixes is None else prefixes
        folder.first([TOKENIZER])
        self._folder, self._longest = folder, folder.longest
        self._load = _RUNNERS[name](folder)
        self._lock, self._turn = threading.Lock(), threading.Lock()
        self._loaded: tuple[Encode, Count] | None = None
        self._digest: str | None = None

    def identity(self) -> str:
        """Return a digest of the folder as it was when first asked, and the prefix."""
        with self._lock:
            self._digest = self._digest or self._folder.digest()
        return f"{self.name}\0{self._digest}\0{self.prefixes.document}"

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of *texts*, one row each.

        Raises:
            TextError: If some are longer than the model can read; with those of the others.
        """
        return self._embed([self.prefixes.document + text for text in texts])

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question, of which the model reads as much as it can."""
        encode, _ = self._runner()
        with self._turn:
            row: list[float] = encode([self.prefixes.query + text])[0].tolist()
        return row

    def close(self) -> None:
        """Let go of the model."""
        self._loaded = None

    def _runner(self) -> tuple[Encode, Count]:
        with self._lock:
            if self._loaded is None:
                self._loaded = (self._load(), _counter(self._folder))
            return self._loaded

    def _embed(self, texts: list[str]) -> Vectors:
        import numpy as np

        encode, count = self._runner()
        tokens = count(texts)
        fit = [place for place, size in enumerate(tokens) if size <= self._longest]
        fit.sort(key=lambda place: tokens[place])  # a batch is as slow as its longest text
        rows: Vectors = np.zeros((len(texts), self.dimension), np.float32)
        if fit:
            with self._turn:  # one batch takes all processors: several only take more memory
                rows[fit] = encode([texts[place] for place in fit])
        if long := set(range(len(texts))) - set(fit):
            raise TextError(dict.fromkeys(sorted(long), LONG), rows, long)
        return rows


def _counter(folder: ModelFolder) -> Count:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder.path / TOKENIZER))
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: list[str]) -> list[int]:
        return [len(each.ids) for each in tokenizer.encode_batch(texts)]

    return count


def _fastembed(folder: ModelFolder) -> Callable[[], Encode]:
    """Return what loads the model of *folder* into fastembed.

    Raises:
        SettingsError: If it lacks a file that fastembed reads, or has a step that it does not know.
    """
    file = folder.first(ONNX)
    folder.first(["tokenizer_config.json"])
    steps = folder.steps()
    if strange := [each["kind"] for each in steps if each["kind"] not in {"Pooling", "Normalize"}]:
        raise folder.lacks(f"model for fastembed: it has a step {strange[0]}")
    pooling = next((each for each in steps if each["kind"] == "Pooling"), {})
    first_token = bool(pooling.get("pooling_mode_cls_token"))

    def load() -> Encode:
        import numpy as np
        from fastembed import TextEmbedding
        from fastembed.common.model_description import ModelSource, PoolingType

        name = f"beast/{folder.model}-{'cls' if first_token else 'mean'}-{folder.dimension}"
        if name not in {each["model"] for each in TextEmbedding.list_supported_models()}:
            TextEmbedding.add_custom_model(
                model=name,
                pooling=PoolingType.CLS if first_token else PoolingType.MEAN,
                normalization=True,
                sources=ModelSource(hf=name),  # never asked: the path below is
                dim=folder.dimension,
                model_file=file,
            )
        model = TextEmbedding(name, specific_model_path=str(folder.path), local_files_only=True)
        return lambda texts: np.asarray(list(model.embed(texts, batch_size=BATCH)), np.float32)

    return load


def _sentences(folder: ModelFolder) -> Callable[[], Encode]:
    """Return what loads the model of *folder* into sentence-transformers."""

    def load() -> Encode:
        from sentence_transformers import SentenceTransformer

        model: Any = SentenceTransformer(
            str(folder.path), device="cpu", local_files_only=True, trust_remote_code=False
        )

        def encode(texts: list[str]) -> Vectors:
            made: Vectors = model.encode(
                texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False
            )
            return made

        return encode

    return load


_RUNNERS = {FASTEMBED: _fastembed, SENTENCES: _sentences}
KINDS = tuple(_RUNNERS)
