# SPDX-License-Identifier: Apache-2.0
"""Fetch one model through `POST /api/pull`: read every line, believe only the last word.

A stream begins with 200 whatever comes of it: a failure is a line with `error`, and a stream
that ends without `success` was broken off. What was fetched so far is kept by the server, so
trying again goes on where it stopped.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from beast_ops import http
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import (
    LeaseLostError,
    MissingError,
    ServiceError,
    TransientError,
    UnavailableError,
)
from beast_ops.llm.calls import SERVICE, reason_in

ATTEMPTS = 3
SILENCE_SECONDS = 120.0  # without a single line; a slow transfer tells of itself all the time
DEADLINE_SECONDS = 6 * 3600.0
STEP_PERCENT = 10
UNKNOWN = ("file does not exist", "not found")

Say = Callable[[str], None]
Hear = Callable[[Mapping[str, Any]], None]
"""Takes one line of the stream; what it raises ends the transfer."""


def pull(url: str, name: str, say: Say, clock: Clock = SYSTEM) -> None:
    """Fetch the model *name* to the server at *url*, and try again while it gets on.

    Args:
        url: Where the model server is.
        name: The model.
        say: Takes one line of progress.
        clock: Where time comes from.

    Raises:
        UnavailableError: If the server falls silent, or time is up.
        ServiceError: If it cannot fetch the model.
        MissingError: If there is no model of that name.
    """
    fetch(url, name, _Progress(name, say).take, clock)


def fetch(url: str, name: str, hear: Hear, clock: Clock = SYSTEM) -> None:
    """Do what `pull` does, and hand every line of the stream to *hear*.

    Another attempt is told by a line with `attempt`.

    Raises:
        UnavailableError: If the server falls silent, or time is up.
    """
    import stamina

    end = clock.monotonic() + DEADLINE_SECONDS

    def listen(line: Mapping[str, Any]) -> None:
        if clock.monotonic() > end:
            hours = DEADLINE_SECONDS / 3600
            raise UnavailableError(f"{name} was not here after {hours:g} h", subject=SERVICE)
        hear(line)

    for attempt in stamina.retry_context(on=_passes, attempts=ATTEMPTS, timeout=DEADLINE_SECONDS):
        with attempt:
            if attempt.num > 1:
                hear({"attempt": attempt.num})
            _stream(url, name, listen)


def _passes(failed: Exception) -> bool:
    """Return whether it is worth trying again after *failed*."""
    lost = isinstance(failed, LeaseLostError)  # somebody else goes on
    return isinstance(failed, (TransientError, ServiceError)) and not lost


class _Progress:
    """Says how far a model is, each time another `STEP_PERCENT` of a part is here."""

    def __init__(self, name: str, say: Say) -> None:
        self.name, self._say = name, say
        self._said = ""

    def take(self, line: Mapping[str, Any]) -> None:
        """Take one line of the stream."""
        if "attempt" in line:
            again = f"({line['attempt']} of {ATTEMPTS})"
            self._say(f"{self.name}: going on where it stopped {again}")
            return
        text = str(line.get("status", ""))
        total, done = line.get("total"), line.get("completed", 0)
        if isinstance(total, int) and total > 0 and isinstance(done, int):
            percent = done * 100 // total // STEP_PERCENT * STEP_PERCENT
            text = f"{text} {percent} % of {total / 1e9:.1f} GB"
        if text != self._said:
            self._say(f"{self.name}: {text}")
            self._said = text


def _stream(url: str, name: str, hear: Hear) -> None:
    with (
        http.client(url, seconds=SILENCE_SECONDS) as client,
        http.speaking_to(SERVICE),
        client.stream("POST", "/api/pull", json={"model": name, "stream": True}) as answer,
    ):
        if not answer.is_success:
            answer.read()
            raise _refusal(name, reason_in(answer))
        _read(name, answer.iter_lines(), hear)


def _read(name: str, lines: Iterable[str], hear: Hear) -> None:
    last = ""
    for text in lines:
        if not text.strip():
            continue
        try:
            line = dict(json.loads(text))
        except (ValueError, TypeError) as wrong:
            raise ServiceError("does not answer like a model server", subject=name) from wrong
        if "error" in line:
            raise _refusal(name, str(line["error"]))
        hear(line)
        last = str(line.get("status", ""))
    if last != "success":
        raise UnavailableError(f"{SERVICE} broke off while it fetched {name}", subject=SERVICE)


def _refusal(name: str, reason: str) -> ServiceError | MissingError:
    if any(words in reason for words in UNKNOWN):
        return MissingError(
            "there is no model of this name", subject=name, hint="Correct the list of models."
        )
    return ServiceError(
        f"cannot fetch the model: {reason[:300]}",
        subject=name,
        hint="Type the same command again: it goes on where it stopped.",
    )
