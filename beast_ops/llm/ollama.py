# SPDX-License-Identifier: Apache-2.0
"""Vectors from an Ollama server, through `POST /api/embed`."""

from collections.abc import Sequence
from dataclasses import replace

from beast_ops import http
from beast_ops.errors import BeastError, MissingError, ServiceError, TransientError
from beast_ops.resilience.policy import EMBED

from .calls import LASTING, SERVICE, Calls, reason_in
from .model import TextError, Vectors
from .ollama_server import once
from .prefixes import Prefixes, prefixes_of

BATCH = 32
ANSWER_SECONDS = 120.0  # a batch on a slow processor, and the model is loaded first
PATIENCE_SECONDS = EMBED.patience
ATTEMPTS = EMBED.attempts
TAGS_SECONDS = 5.0
HARMLESS = "text"
LONG = "too long for the model"
TOO_LONG = "exceeds the context length"


class OllamaEmbedder:
    """An embedder that asks an Ollama server; one for all threads."""

    name = "ollama"

    def __init__(
        self,
        url: str,
        model: str,
        *,
        prefixes: Prefixes | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Ask a model server.

        Args:
            url: Where it is.
            model: Which of its models.
            prefixes: What stands before texts; as the model's card says if left out.
            patience: How many seconds to ask again while it does not answer.
        """
        self.model = model
        self.prefixes = prefixes_of(model) if prefixes is None else prefixes
        self._url, self._patience = url, patience
        self._calls = Calls(url, ANSWER_SECONDS)
        self._dimension: int | None = None

    @property
    def dimension(self) -> int:
        """How many numbers a vector has; asks the server once. Raises as `embed_query` does."""
        if self._dimension is None:
            self._dimension = len(self.embed_query("dimension"))
        return self._dimension

    def identity(self) -> str | None:
        """Return the digest of the weights as the server has them now, and the prefix."""
        try:
            models = once(self._url, lambda server: server.installed(), TAGS_SECONDS)
            found = {each.name: each.digest for each in models}
            return f"{found[tagged(self.model)]}\0{self.prefixes.document}"
        except (BeastError, KeyError):
            return None

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of *texts*, one row each.

        Raises:
            TextError: If some are longer than the model can read; with those of the others.
            MissingError: If the server does not have the model.
            UnavailableError: If it does not answer.
            ServiceError: If it refuses.
        """
        return self._embed([self.prefixes.document + text for text in texts], patient=True)

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a question; raises as `embed_documents` does."""
        rows = self._embed([self.prefixes.query + text], patient=False)
        row: list[float] = rows[0].tolist()
        return row

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()

    def _embed(self, texts: Sequence[str], *, patient: bool) -> Vectors:
        import numpy as np

        rows: list[Sequence[float] | None] = []
        reasons: dict[int, str] = {}
        long: set[int] = set()
        for begin in range(0, len(texts), BATCH):
            for row, reason in self._batch(texts[begin : begin + BATCH], patient=patient):
                if row is None:
                    reasons[len(rows)] = reason
                    long.update([len(rows)] if reason == LONG else ())
                rows.append(row)
        width = next((len(row) for row in rows if row is not None), self._dimension or 0)
        empty = [0.0] * width
        vectors = np.array([row or empty for row in rows], np.float32).reshape(len(rows), width)
        if reasons:
            raise TextError(reasons, vectors, long)
        return vectors

    def _batch(
        self, texts: Sequence[str], attempts: int = ATTEMPTS, *, patient: bool
    ) -> "list[tuple[Sequence[float] | None, str]]":
        """Return a vector or a reason for each of *texts*; one bad text fails a batch, so halve."""
        try:
            return [(row, "") for row in self._ask(texts, attempts, patient=patient)]
        except _RefusedTextError as refused:
            reason = str(refused)
        except _FaultError as fault:
            self._blame(fault)
            reason, attempts = str(fault), 1  # it is not the server: no need to wait for it
        if len(texts) == 1:
            return [(None, reason)]
        half = len(texts) // 2
        first = self._batch(texts[:half], attempts, patient=patient)
        return first + self._batch(texts[half:], attempts, patient=patient)

    def _blame(self, fault: "_FaultError") -> None:
        """Return if it is the texts that make the server fail: some make a model answer NaN.

        Raises:
            ServiceError: If it fails on any text.
        """
        try:
            self._ask([HARMLESS], 1, patient=False)
        except _FaultError:
            raise ServiceError(str(fault), hint=LASTING) from fault

    def _ask(self, texts: Sequence[str], attempts: int, *, patient: bool) -> list[list[float]]:
        """Return the vectors of *texts*.

        Args:
            texts: What to embed.
            attempts: How often a server that fails is asked.
            patient: Whether one that is away or busy is asked for as long as patience lasts: it
                may be started again just now.
        """
        import stamina

        body = {"model": self.model, "input": list(texts), "truncate": False}
        policy = replace(EMBED, patience=self._patience, seconds=self._patience + ANSWER_SECONDS)
        policy = replace(policy, attempts=0) if patient else policy
        for attempt in stamina.retry_context(
            on=_FaultError, attempts=attempts, timeout=self._patience, wait_jitter=0.1
        ):
            with attempt:
                return self._calls.post(
                    "/api/embed", body, lambda answer: self._rows(answer, len(texts)), policy
                )
        raise AssertionError("a retry either returns or raises")  # pragma: no cover

    def _rows(self, answer: http.Response, count: int) -> list[list[float]]:
        if answer.is_success:
            return _judged(answer, count)
        said = reason_in(answer)
        if TOO_LONG in said:
            raise _RefusedTextError(LONG)
        if answer.status_code == 404:  # noqa: PLR2004 - Not Found
            raise MissingError(
                "the model server does not have this model",
                subject=self.model,
                hint=f"Get it with: ollama pull {self.model}",
            )
        if answer.status_code == 500:  # noqa: PLR2004 - Internal Server Error
            raise _FaultError(f"{SERVICE} failed: {said}", hint=LASTING)
        raise ServiceError(f"{SERVICE} answered {answer.status_code}: {said}", hint=LASTING)


class _RefusedTextError(ServiceError):
    """The server refused a batch because of a text in it."""


class _FaultError(TransientError):
    """The server failed, perhaps because of a text in the batch."""


def tagged(model: str) -> str:
    """Return *model* as the server lists it: with its tag."""
    return model if ":" in model else f"{model}:latest"


def _judged(answer: http.Response, count: int) -> list[list[float]]:
    try:
        rows: list[list[float]] = answer.json()["embeddings"]
        fits = len(rows) == count and len({len(row) for row in rows}) <= 1
    except (ValueError, KeyError, TypeError):
        fits = False
    if not fits:
        raise ServiceError(f"{SERVICE} sent no vectors that fit", hint="Is it an Ollama server?")
    return rows
