# SPDX-License-Identifier: Apache-2.0
"""Ingestion for people: how far it is while it runs, then what it came to."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self, TextIO

from beast_ops.clock import SYSTEM, Clock
from beast_ops.health.show import visible

if TYPE_CHECKING:
    from rich.live import Live

PLAIN_SECONDS = 60.0  # between lines where nothing can move
LIVE_SECONDS = 0.1
FAILURES_SHOWN = 50

Words = Callable[[Mapping[str, Any]], str]


class Progress:
    """Shows on a stream how far it is: a block that moves on a terminal, else a line a minute."""

    def __init__(self, stream: TextIO, clock: Clock = SYSTEM, words: Words | None = None) -> None:
        """Write to *stream*, in *words* of its own if it is no ingestion."""
        self._stream, self._clock, self._words = stream, clock, words or sentence
        self._is_terminal = stream.isatty()
        self._pause = LIVE_SECONDS if self._is_terminal else PLAIN_SECONDS
        self._due = clock.monotonic() + (0.0 if self._is_terminal else self._pause)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Leave the terminal as it was."""
        self._wipe()

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Show *event* (see `beast_ops.jobs.client.Show`) if it is time to."""
        if event.get("phase") == "note":
            self._wipe()
            self._write(str(event["text"]))
            return
        now = self._clock.monotonic()
        if now < self._due:
            return
        self._due = now + self._pause
        if self._is_terminal:
            self._move(event)
        else:
            self._write("; ".join(filter(None, (self._words(event), in_short(event)))))

    def _move(self, event: Mapping[str, Any]) -> None:
        from .show_stages import block, live

        if self._live is None:
            self._live = live(self._stream)
            self._live.start()
        shown = block(self._words(event), event.get("stages", ()), self._live.console.width)
        self._live.update(shown, refresh=True)

    def _wipe(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


def sentence(event: Mapping[str, Any]) -> str:
    """Return *event* in words."""
    if event.get("phase") == "finding":
        return "looking for documents"
    if event.get("phase") == "fetching":
        return f"fetching {event['done'] + 1} of {event['of']}"
    if event.get("phase") == "uploading":
        return f"sending {event['done']} of {event['of']}"
    if "done" not in event:
        return "waiting for the worker"
    said = f"reading {event['done']} of {event.get('seen', '?')}"
    if event.get("failed"):
        said += f", {event['failed']} failed"
    if event.get("rate"):
        said += f", {event['rate']:g} per second"
    if event.get("eta"):
        said += f", {_duration(event['eta'])} to go"
    return said


def in_short(event: Mapping[str, Any]) -> str:
    """Return how far each stage is, as far as *event* tells, in few words."""
    stages = event.get("stages", ())
    told = (f"{each['stage']} {each['done']}/{of_words(each['of'])}" for each in stages)
    return ", ".join(told)


def of_words(count: int | None) -> str:
    """Return how many there will be in words."""
    return "?" if count is None else str(count)


def summary(answer: Mapping[str, Any]) -> str:
    """Return what an ingestion came to: a line per failure and note, then one for the whole."""
    results = answer["results"]
    failed = [line for line in results if not line["ok"]]
    lines = [f"failed: {visible(line['path'])}: {line['error']}" for line in failed]
    noted = [line for line in results if line.get("note")]
    lines += [f"note: {visible(line['path'])}: {line['note']}" for line in noted]
    if len(lines) > FAILURES_SHOWN:
        more = len(lines) - FAILURES_SHOWN
        lines = [*lines[:FAILURES_SHOWN], f"and {more} more; all are in: ./beast ingest --json"]
    counts = answer["documents"]
    names = ("ingested", "unchanged", "deleted", "failed")
    parts = ", ".join(f"{counts[name]} {name}" for name in names if counts[name])
    seen = counts["seen"]
    total = f"{seen} document{'' if seen == 1 else 's'} seen" + (f": {parts}" if parts else "")
    chunks = f"{answer['chunks']} chunk{'' if answer['chunks'] == 1 else 's'}"
    where = f"{chunks} in {answer['collection']}, {_duration(answer['seconds'])}"
    if known := (answer.get("embedded") or {}).get("remembered"):
        where += f"; {known} vector{'' if known == 1 else 's'} known from before"
    return "\n".join([*lines, f"{total}; {where}."])


def _duration(seconds: float) -> str:
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
