# SPDX-License-Identifier: Apache-2.0
"""Fetch one model through `POST /api/pull`: read every line, believe only the last word.

A stream begins with 200 whatever comes of it: a failure is a line with `error`, and a stream
that ends without `success` was broken off. What was fetched so far is kept by the server, so
trying again goes on where it stopped.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from beast_ops import http
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError, ServiceError, TransientError, UnavailableError
from beast_ops.llm.ollama import SERVICE, reason_in

ATTEMPTS = 3
SILENCE_SECONDS = 120.0  # without a single line; a slow transfer tells of itself all the time
DEADLINE_SECONDS = 6 * 3600.0
STEP_PERCENT = 10
UNKNOWN = ("file does not exist", "not found")

Say = Callable[[str], None]


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
    import stamina

    end = clock.monotonic() + DEADLINE_SECONDS
    for attempt in stamina.retry_context(
        on=(TransientError, ServiceError), attempts=ATTEMPTS, timeout=DEADLINE_SECONDS
    ):
        with attempt:
            if attempt.num > 1:
                say(f"{name}: going on where it stopped ({attempt.num} of {ATTEMPTS})")
            _stream(url, name, _Progress(name, say, clock, end))


class _Progress:
    """Says how far a model is, each time another `STEP_PERCENT` of a part is here."""

    def __init__(self, name: str, say: Say, clock: Clock, end: float) -> None:
        self.name, self._say = name, say
        self._clock, self._end = clock, end
        self._said = ""

    def take(self, line: dict[str, Any]) -> None:
        """Take one line of the stream.

        Raises:
            UnavailableError: If time is up.
        """
        if self._clock.monotonic() > self._end:
            hours = DEADLINE_SECONDS / 3600
            raise UnavailableError(f"{self.name} was not here after {hours:g} h", subject=SERVICE)
        text = str(line.get("status", ""))
        total, done = line.get("total"), line.get("completed", 0)
        if isinstance(total, int) and total > 0 and isinstance(done, int):
            percent = done * 100 // total // STEP_PERCENT * STEP_PERCENT
            text = f"{text} {percent} % of {total / 1e9:.1f} GB"
        if text != self._said:
            self._say(f"{self.name}: {text}")
            self._said = text


def _stream(url: str, name: str, progress: _Progress) -> None:
    with (
        http.client(url, seconds=SILENCE_SECONDS) as client,
        http.speaking_to(SERVICE),
        client.stream("POST", "/api/pull", json={"model": name, "stream": True}) as answer,
    ):
        if not answer.is_success:
            answer.read()
            raise _refusal(name, reason_in(answer))
        _read(name, answer.iter_lines(), progress)


def _read(name: str, lines: Iterable[str], progress: _Progress) -> None:
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
        progress.take(line)
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
