# SPDX-License-Identifier: Apache-2.0
"""Check what a model cites while it speaks: only passages it was given have numbers; pure.

A citation is `[1]` or `[1, 2]`, and what models make of it: `[passage 1]`, `【1】`. Code is left
as it is, for there brackets are brackets. A model may have been talked into things by a document:
pictures, which a page would load from wherever they say, become links, and a citation never
becomes a link of the model's choice.
"""

import re

# Three digits at most: [2019] is a year.
_CITATION = re.compile(
    r" ?[\[【] {0,2}\^?(?:(?:passage|source|document)s? {0,2})?"
    r"(?P<numbers>[0-9]{1,3}(?: {0,2}[,;] {0,2}[0-9]{1,3}){0,19}) {0,2}[\]】]",
    re.IGNORECASE,
)
_BEGUN = re.compile(r" ?[\[【][ ^a-z0-9,;]{0,120}", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}|~{3,})[^\n]*\n")
_FENCE_BEGUN = re.compile(r" {0,3}(?:`{3,}[^\n]*|~{3,}[^\n]*|`{0,2}|~{0,2})")
_PLAIN = re.compile(r"[^`\[【!< \n]+|\n")
_PICTURE = re.compile(r"!+(?=[\[【])|<(?=img)", re.IGNORECASE)
_PICTURE_BEGUN = re.compile(r"!+|<(?:i|im)?", re.IGNORECASE)
_JOINS = frozenset(
    "[【^,; 0123456789!<"
)  # what stands before could make a citation of what follows
_UNKNOWN = "[?]"


class Checker:
    """Takes an answer in pieces and gives it back with citations that hold.

    Attributes:
        cited: The numbers of the passages that were cited, in that order.
        removed: How many citations named no passage.
        defused: How many pictures became links.
    """

    def __init__(self, known: int) -> None:
        """Know the passages from 1 to *known*."""
        self._known = known
        self._rest, self._fence, self._last, self._fresh = "", "", "", True
        self.cited: list[int] = []
        self.removed = self.defused = 0

    def feed(self, text: str) -> str:
        """Return what can be said now that *text* came; a citation stays back until it is whole."""
        self._rest += text
        return self._go(final=False)

    def end(self) -> str:
        """Return what stayed back."""
        return self._go(final=True)

    def _go(self, *, final: bool) -> str:
        out: list[str] = []
        while self._rest:
            step = self._step(final=final)
            if step is None:
                break
            taken, said = step
            self._fresh = self._rest[:taken].endswith("\n") or (
                self._fresh and not self._rest[:taken].strip(" ")
            )
            self._rest = self._rest[taken:]
            self._last = said[-1:] or self._last
            out.append(said)
        return "".join(out)

    def _step(self, *, final: bool) -> tuple[int, str] | None:
        """Return how much is taken next and what is said for it; `None` if more must come."""
        rest = self._rest
        if self._fresh and (found := _FENCE.match(rest)):
            self._turn(found["mark"])
            return found.end(), found.group()
        if self._fresh and not final and _FENCE_BEGUN.fullmatch(rest):
            return None
        if self._fence:
            end = rest.find("\n") + 1 or len(rest)
            return end, rest[:end]
        return _code(rest, final=final) if rest[0] == "`" else self._said(rest, final=final)

    def _said(self, rest: str, *, final: bool) -> tuple[int, str] | None:
        """Return likewise what is said for *rest*, which begins with no code."""
        if (found := _CITATION.match(rest)) and (final or found.end() < len(rest)):
            return found.end(), self._cite(found, rest[found.end() : found.end() + 1])
        if not final and (_BEGUN.fullmatch(rest) or found or _PICTURE_BEGUN.fullmatch(rest)):
            return None
        return self._defused(rest)

    def _turn(self, mark: str) -> None:
        """Begin a block of code, or end it if *mark* does."""
        if not self._fence:
            self._fence = mark
        elif mark[0] == self._fence[0] and len(mark) >= len(self._fence):
            self._fence = ""

    def _cite(self, found: re.Match[str], following: str) -> str:
        numbers = [int(each) for each in re.findall("[0-9]+", found["numbers"])]
        good = [each for each in numbers if 1 <= each <= self._known]
        self.removed += len(numbers) - len(good)
        self.cited += [each for each in dict.fromkeys(good) if each not in self.cited]
        if not good:
            return _UNKNOWN if self._last in _JOINS else ""
        space = " " if found.group().startswith(" ") else ""
        # `[1](…` would be a link, and `[1]: …` at the start of a line what [1] links to.
        apart = " " if following == "(" or (following == ":" and self._fresh) else ""
        return space + "".join(f"[{each}]" for each in good) + apart

    def _defused(self, rest: str) -> tuple[int, str]:
        if found := _PICTURE.match(rest):
            self.defused += 1
            return found.end(), "&lt;" if rest[0] == "<" else f"{found.group()} "
        plain = _PLAIN.match(rest)
        return (plain.end(), plain.group()) if plain else (1, rest[0])


def _code(rest: str, *, final: bool) -> tuple[int, str] | None:
    """Return the code that *rest* begins with, up to where it ends on the same line."""
    run = len(rest) - len(rest.lstrip("`"))
    line = rest.find("\n")
    if run == len(rest) and not final:
        return None
    stop = len(rest) if line < 0 else line
    closed = re.compile(rf"(?<!`)`{{{run}}}(?!`)").search(rest, run, stop)
    if closed and (final or closed.end() < len(rest)):
        return closed.end(), rest[: closed.end()]
    if line < 0 and not final:
        return None
    return run, rest[:run]


def without(text: str) -> str:
    """Return *text* without any citation: its numbers meant passages of another answer."""
    checker = Checker(0)
    return checker.feed(text) + checker.end()
