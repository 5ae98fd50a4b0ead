# SPDX-License-Identifier: Apache-2.0
"""Cut the part of a passage that shows why it was found."""

import re

CHARACTERS = 500
_WORD = re.compile(r"\w+")
_STEM_LEAST = 3  # shorter beginnings match everything
_ENDING = 2  # "running" finds "runs": what stemming takes off, roughly
_MORE = "…"


def snippet(text: str, query: str, characters: int = CHARACTERS) -> str:
    """Return at most *characters* of *text*, around where most words of *query* are.

    Cut ends are marked by an ellipsis and lie between words where possible.
    """
    if len(text) <= characters:
        return text
    room = characters - 2 * len(_MORE)
    start = _window(_places(text, query), room, len(text))
    end = min(len(text), start + room)
    start, end = _between_words(text, start, end)
    head = _MORE if start > 0 else ""
    tail = _MORE if end < len(text) else ""
    return f"{head}{text[start:end].strip()}{tail}"


def left_out(text: str, shown: str) -> int:
    """Return how many characters of *text* the snippet *shown* of it leaves out."""
    return max(0, len(text) - len(shown.strip(_MORE))) if shown != text else 0


def stems(query: str) -> frozenset[str]:
    """Return the beginnings by which words of *query* are recognised in a text."""
    words = (word.casefold() for word in _WORD.findall(query))
    return frozenset(
        word[: max(_STEM_LEAST, len(word) - _ENDING)] for word in words if len(word) >= _STEM_LEAST
    )


def _places(text: str, query: str) -> list[tuple[int, str]]:
    wanted = stems(query)
    if not wanted:
        return []
    lengths = sorted({len(stem) for stem in wanted})
    found = []
    for match in _WORD.finditer(text):
        word = match.group().casefold()
        stem = next((word[:n] for n in lengths if word[:n] in wanted), None)
        if stem is not None:
            found.append((match.start(), stem))
    return found


def _window(places: list[tuple[int, str]], room: int, length: int) -> int:
    """Return where a window of *room* characters holds the most different stems."""
    best, start, first = 0, 0, 0
    for last in range(len(places)):
        while places[last][0] - places[first][0] > room:
            first += 1
        distinct = len({stem for _, stem in places[first : last + 1]})
        if distinct > best:
            best = distinct
            middle = (places[first][0] + places[last][0]) // 2
            start = middle - room // 2
    return max(0, min(start, length - room))


def _between_words(text: str, start: int, end: int) -> tuple[int, int]:
    if start > 0 and (gap := re.compile(r"\s").search(text, start, start + 40)):
        start = gap.end()
    if end < len(text):
        space = max(text.rfind(" ", end - 40, end), text.rfind("\n", end - 40, end))
        end = space if space > start else end
    return start, end
