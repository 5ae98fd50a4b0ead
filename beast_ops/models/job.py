# SPDX-License-Identifier: Apache-2.0
"""The job that fetches a model; killed or cancelled, the next one goes on where it stopped."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import UnavailableError
from beast_ops.ingest.settings import Surroundings
from beast_ops.jobs.worker import Grip
from beast_ops.llm.listing import Step
from beast_ops.settings import Strict

from .pull import fetch
from .room import free_in

KIND = "model_pull"
SAY_SECONDS = 0.5
NAME = r"^[A-Za-z0-9][A-Za-z0-9._:/-]*$"
LONGEST_NAME = 200

ModelName = Annotated[str, Field(pattern=NAME, max_length=LONGEST_NAME)]


class Wish(Strict):
    """Which model to fetch, and whether its server shares the disk of our data."""

    model: ModelName
    beside: bool = False


class Pulling:
    """Runs jobs of the kind `KIND`."""

    def __init__(self, around: Surroundings, clock: Clock = SYSTEM) -> None:
        """Fetch to the model server of *around*."""
        self._url, self._clock = around.models_url, clock
        self._data = around.jobs.parent  # in a container all around it is another disk

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Fetch the model of the job in *grip*; return how much that was and how long it took.

        Raises:
            UnavailableError: If there is no model server, or it falls silent.
            MissingError: If there is no model of that name.
            ServiceError: If it cannot be had.
            PreflightError: If there is no room for it.
        """
        wish = Wish.model_validate(dict(grip.job.payload))
        if self._url is None:
            raise UnavailableError(NO_SERVER, hint=NO_SERVER_HINT)
        begun = self._clock.monotonic()
        layers = Layers(wish.model, grip, self._clock)
        layers.say()
        free = free_in(self._data) if wish.beside else None
        fetch(self._url, wish.model, layers.hear, self._clock, free)
        layers.say()
        seconds = round(self._clock.monotonic() - begun, 3)
        return {"model": wish.model, "bytes": layers.fetched, "seconds": seconds}


NO_SERVER = "this installation has no model server"
NO_SERVER_HINT = "Start Ollama, or set ollama_url, then run: ./beast deploy"


class Layers:
    """How far each layer of a model is, noted with the job twice a second."""

    def __init__(self, model: str, grip: Grip, clock: Clock) -> None:
        """Know nothing of *model* yet."""
        self._model, self._grip, self._clock = model, grip, clock
        self._layers: dict[str, tuple[int, int]] = {}
        self._first: dict[str, int] = {}
        self._status = ""
        self._said = float("-inf")

    @property
    def fetched(self) -> int:
        """Bytes that came over the line; what was here before does not count."""
        return sum(done - self._first[name] for name, (_, done) in self._layers.items())

    def hear(self, step: Step) -> None:
        """Take one step; raises as `Grip.check` does."""
        self._grip.check()
        self._status = step.status or self._status
        if step.digest and step.total:
            self._first.setdefault(step.digest, step.completed)
            self._layers[step.digest] = (step.total, step.completed)
        if self._clock.monotonic() - self._said >= SAY_SECONDS:
            self.say()

    def say(self) -> None:
        """Note it with the job; raises as `Grip.check` does."""
        self._said = self._clock.monotonic()
        layers = [
            {"digest": name, "total": total, "completed": done}
            for name, (total, done) in self._layers.items()
        ]
        self._grip.say(
            {
                "model": self._model,
                "status": self._status,
                "total": sum(total for total, _ in self._layers.values()),
                "completed": sum(done for _, done in self._layers.values()),
                "layers": layers,
            }
        )
