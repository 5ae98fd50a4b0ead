# SPDX-License-Identifier: Apache-2.0
"""Say figures as people read them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

UNKNOWN = "\u2013"  # a dash
UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
SPANS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
TONES = {
    "healthy": "good",
    "running": "good",
    "done": "good",
    "ready": "good",
    "proven": "good",
    "completed": "good",
    "downloaded": "good",
    "ingested": "good",
    "startup": "good",
    "started": "good",
    "degraded": "warn",
    "interrupted": "warn",
    "starting": "warn",
    "held": "off",
    "unhealthy": "bad",
    "failed": "bad",
    "error": "bad",
    "fatal": "bad",
    "exited": "bad",
    "backoff": "bad",
    "rolled back": "bad",
}


def size(count: float | None) -> str:
    """Return *count* bytes in the unit that leaves few digits."""
    if count is None:
        return UNKNOWN
    value = float(count)
    for unit in UNITS[:-1]:
        if abs(value) < 1000:  # noqa: PLR2004 - the step from one unit to the next
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} {UNITS[-1]}"


def span(seconds: float | None, parts_most: int = 2) -> str:
    """Return *seconds* in the largest unit that fits, and the next ones up to *parts_most*."""
    if seconds is None:
        return UNKNOWN
    left = int(max(seconds, 0))
    parts = []
    for length, unit in SPANS:
        if left >= length:
            parts.append(f"{left // length} {unit}")
            left %= length
        elif parts:
            break
        if len(parts) == parts_most:
            break
    return " ".join(parts) or "0 s"


def ago(when: datetime | str | float | None) -> str:
    """Return how long ago *when* was: a moment, ISO 8601, or seconds since the epoch."""
    if when is None:
        return "never"
    seconds = (datetime.now(UTC) - moment(when)).total_seconds()
    return "just now" if seconds < 1 else f"{span(seconds, 1)} ago"


def moment(when: datetime | str | float) -> datetime:
    """Return *when* as a moment."""
    if isinstance(when, str):
        when = datetime.fromisoformat(when)
    if isinstance(when, int | float):
        return datetime.fromtimestamp(when, UTC)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def iso(when: datetime | str | float) -> str:
    """Return *when* for machines."""
    return moment(when).isoformat(timespec="seconds")


def number(value: float | None) -> str:
    """Return *value* with its thousands apart; narrow no-break spaces, which all languages read."""
    return UNKNOWN if value is None else f"{value:,}".replace(",", "\u202f")


def tone(word: str) -> str:
    """Return the class that colours a state called *word*."""
    return TONES.get(str(word).lower(), "off")


FILTERS: Mapping[str, Callable[..., Any]] = {
    "ago": ago,
    "iso": iso,
    "number": number,
    "size": size,
    "span": span,
    "tone": tone,
}
