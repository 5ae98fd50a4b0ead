# SPDX-License-Identifier: Apache-2.0
r"""Patterns as in `.gitignore`: what git says of one path, the folders above it left aside.

Libraries take a pattern that names a folder for all below it at once, which goes wrong where one
pattern takes back what another said. Strangers write these patterns, so none may take more than
linear time for a name: what stands between two stars is found once and never looked for again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

_ANY_FOLDERS, _ANY_NAME = "**", "*"
_NOTHING = re.compile(r"(?!)")
_TOKEN = re.compile(r"\\(.)|(\*+)|(\?)|(\[[!^]?\]?(?:\\.|\[:\w+:\]|[^\]\\])*\])|(.)", re.DOTALL)
_CLASSES = {
    "alpha": "A-Za-z", "digit": "0-9", "alnum": "A-Za-z0-9", "upper": "A-Z", "lower": "a-z",
    "space": r"\s", "blank": r" \t", "punct": r"!-/:-@\[-`{-~", "xdigit": "A-Fa-f0-9",
}  # fmt: skip
_IN_CLASS = re.compile(r"\[:(\w+):\]|(\\.|.)-(\\.|.)|(\\.|.)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern.

    Attributes:
        take_back: Whether it takes back what one before it said.
        folders_only: Whether it means folders alone.
        parts: What the parts of a path must be; `None` stands for any number of folders.
    """

    take_back: bool
    folders_only: bool
    parts: tuple[re.Pattern[str] | None, ...]

    def matches(self, parts: Sequence[str]) -> bool:
        """Return whether it means the path made of *parts*."""
        mine, here = 0, 0
        star, back = -1, 0
        while here < len(parts):
            part = self.parts[mine] if mine < len(self.parts) else _NOTHING
            if part is None:
                star, back = mine, here
                mine += 1
            elif part.fullmatch(parts[here]):
                mine, here = mine + 1, here + 1
            elif star >= 0:  # let the last `**` take one folder more
                back += 1
                mine, here = star + 1, back
            else:
                return False
        return all(part is None for part in self.parts[mine:])


def pattern(line: str) -> Pattern | None:
    """Return the pattern in *line*, or `None` if it is empty, a comment, or none at all."""
    line = _without_spaces(line)
    if line.startswith("#"):
        return None
    take_back = line.startswith("!")
    body = line[1:] if take_back else line
    folders_only = body.endswith("/")
    body = body.removesuffix("/")
    if not body:
        return None
    names = _split(body.removeprefix("/"))
    if "/" not in body:
        names = [_ANY_FOLDERS, _ANY_NAME if body == _ANY_FOLDERS else body]
    elif names[-1] == _ANY_FOLDERS:
        names.append(_ANY_NAME)  # all below a folder, not the folder itself
    try:
        parts = tuple(None if name == _ANY_FOLDERS else _part(name) for name in names)
    except (ValueError, re.error):
        return None
    return Pattern(take_back, folders_only, parts)


class Patterns:
    """Patterns in the order in which they were written: the last one that fits decides."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Take the patterns in *lines*; what is none is passed over, as git does."""
        found = (pattern(line) for line in lines)
        self._patterns = tuple(each for each in found if each is not None)[::-1]

    def says(self, relative: str, *, folder: bool = False) -> bool | None:
        """Return whether they name the file, or *folder*, at the path *relative*.

        `None` if none of them fits. The folders above it are for others to look at.
        """
        parts = relative.split("/")
        for each in self._patterns:
            if (folder or not each.folders_only) and each.matches(parts):
                return not each.take_back
        return None

    def name(self, relative: str) -> bool:
        """Return whether they name the file at the path *relative*, or a folder it lies in."""
        parts = relative.split("/")
        above = ("/".join(parts[:count]) for count in range(1, len(parts)))
        return any(self.says(each, folder=True) for each in above) or bool(self.says(relative))


@lru_cache(maxsize=64)
def compiled(lines: tuple[str, ...]) -> Patterns:
    """Return the patterns in *lines*, which need not be read twice."""
    return Patterns(lines)


def _without_spaces(line: str) -> str:
    """Return *line* without the spaces at its end, but for one that is escaped."""
    bare = line.rstrip(" ")
    escapes = len(bare) - len(bare.rstrip("\\"))
    return f"{bare} " if escapes % 2 and len(bare) < len(line) else bare


def _split(body: str) -> list[str]:
    """Return the parts of *body*; a slash between brackets parts nothing."""
    parts = [""]
    for found in _TOKEN.finditer(body):
        if "/" in (found[1], found[5]):
            parts.append("")
        else:
            parts[-1] += found[0]
    return parts


def _part(name: str) -> re.Pattern[str]:
    """Return what the part *name* of a pattern stands for; raises `ValueError` if for nothing."""
    chunks = [""]
    for piece in _pieces(name):
        if piece == _ANY_NAME:
            chunks.append("")
        else:
            chunks[-1] += piece
    first, *rest = chunks
    if not rest:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{chunk})" for chunk in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def _pieces(name: str) -> Iterator[str]:
    for found in _TOKEN.finditer(name):
        escaped, stars, one, several, plain = found.groups()
        if stars:
            yield _ANY_NAME
        elif one:
            yield "."
        elif several:
            yield _class(several[1:-1])
        elif plain in ("\\", "["):
            raise ValueError(name)  # a backslash at the end, or a bracket that is never closed
        else:
            yield re.escape(escaped or plain)


def _class(text: str) -> str:
    negated = text[:1] in ("!", "^")
    inner = ""
    for found in _IN_CLASS.finditer(text[1:] if negated else text):
        low, high = ((found[group] or found[4] or "")[-1:] for group in (2, 3))
        if found[1] in _CLASSES:
            inner += _CLASSES[found[1]]
        elif low < high:
            inner += f"{re.escape(low)}-{re.escape(high)}"
        else:
            inner += re.escape(low)  # also of a range the wrong way round
    return f"[{'^' if negated else ''}{inner}]"
