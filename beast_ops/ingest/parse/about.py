# SPDX-License-Identifier: Apache-2.0
"""Bring what documents say of themselves into one shape."""

import re
from collections.abc import Iterable
from datetime import date, datetime

from beast_ops.ingest.text import clean

CHARACTERS = 200
# A language tag as of RFC 5646, in its common shapes; `en_US` is what POSIX makes of it.
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
# ISO 32000-1, 7.9.4: D:YYYYMMDDHHmmSSOHH'mm'
_PDF = re.compile(
    r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)(?:00'?00'?)?|([+-])(\d\d)'?(\d\d)?'?)?"
)


def line(text: str | None) -> str | None:
    """Return *text* as one line of at most `CHARACTERS`, or `None` if it says nothing."""
    return " ".join(clean(text or "").split())[:CHARACTERS].strip() or None


def names(texts: Iterable[str | None]) -> str | None:
    """Return *texts*, each once, as one line."""
    return line(", ".join(dict.fromkeys(filter(None, map(line, texts)))))


def language(text: str | None) -> str | None:
    """Return the language tag that *text* is, or `None` if it is none."""
    tag = (text or "").strip()
    if not _LANGUAGE.fullmatch(tag) or tag.lower() == "und":  # undetermined
        return None
    return tag.replace("_", "-")


def moment(text: str | None) -> str | None:
    """Return the day or time that *text* is as ISO 8601, or `None` if it is neither."""
    said = (text or "").strip()[:40]
    if _DAY.fullmatch(said) and _is_day(said):
        return said
    try:
        return _written(datetime.fromisoformat(said))
    except ValueError:
        return None


def pdf_moment(text: str | None) -> str | None:
    """Return the time that a PDF writes as *text* as ISO 8601, or `None` if it is none."""
    found = _PDF.fullmatch((text or "").strip())
    if found is None:
        return moment(text)
    year, month, day, hour, minute, second, utc, sign, east, more = found.groups()
    zone = "+00:00" if utc else f"{sign}{east}:{more or '00'}" if sign else ""
    time = f"{hour}:{minute or '00'}:{second or '00'}{zone}" if hour else ""
    written = f"{year}-{month or '01'}-{day or '01'}"
    return moment(f"{written}T{time}" if time else written)


def written(when: datetime | None) -> str | None:
    """Return *when* as ISO 8601, to the second."""
    return _written(when) if when is not None else None


def _written(when: datetime) -> str:
    return when.isoformat(timespec="seconds").replace("+00:00", "Z")


def _is_day(said: str) -> bool:
    try:
        date.fromisoformat(said + "-01-01"[len(said) - 4 :])
    except ValueError:
        return False
    return True
