# SPDX-License-Identifier: Apache-2.0
"""The query language: words, and a few signs that say more than words; pure.

    "exact phrase"      only passages that say exactly this
    -word -"a phrase"   only passages that do not say this
    type:pdf            only documents of this type; likewise tag: source: after: before:

Whatever fits none of these is a word: `std::vector`, `--amend`, `5"`, `-x`. In quotes every sign
is only a sign.
"""

import re
from dataclasses import dataclass, replace
from typing import Any

from beast_ops.errors import UsageError

from .model import SearchOptions, day

FILTERS = ("type", "tag", "source", "after", "before")
_TOKEN = re.compile(
    r'(?<!\S)(?P<sign>-)?(?:(?P<key>type|tag|source|after|before):)?'
    r'(?:"(?P<quoted>[^"]*)"(?=[.,;:!?)]*(?:\s|$))|(?P<word>\S+))'
)  # fmt: skip
_EXCLUDES = re.compile(r"[^\W\d_]\w")  # two characters at least: -x is an option of some program
_TRAILING = ".,;!?"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A query, taken apart.

    Attributes:
        text: What is searched for, by words and by meaning.
        phrases: What a passage must say.
        excluded: What it must not say.
    """

    text: str
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    @property
    def conditions(self) -> bool:
        """Whether passages must be judged by what they say."""
        return bool(self.phrases or self.excluded)

    def fits(self, text: str) -> bool:
        """Return whether a passage that says *text* is wanted."""
        said = _plain(text)
        return all(_says(said, each) for each in self.phrases) and not any(
            _says(said, each) for each in self.excluded
        )


def parse(query: str, options: SearchOptions) -> tuple[Parsed, SearchOptions]:
    """Take *query* apart; what it filters by joins *options*.

    Args:
        query: The query, already clean.
        options: What was asked for besides.

    Raises:
        UsageError: If it filters twice by the same, by a day that is none, or has nothing to
            search for.
    """
    words: list[str] = []
    phrases: list[str] = []
    excluded: list[str] = []
    filters: dict[str, str] = {}
    for token in _TOKEN.finditer(query):
        quoted = token["quoted"]
        value = quoted if quoted is not None else token["word"]
        if token["key"]:
            _refuse_excluded(token)
            _take(filters, token["key"], value, quoted=quoted is not None)
        elif token["sign"] and (quoted is not None or _EXCLUDES.match(value)):
            excluded.append(value)
        elif quoted is None:
            words.append(token.group())
        else:
            words.append(value)
            phrases.append(value)
    text = " ".join(" ".join(words).split())
    if not text:
        raise UsageError(
            "the query says what not to find, and nothing else",
            hint="Add words to look for. To search for the signs themselves, quote them.",
        )
    parsed = Parsed(text, tuple(filter(_plain, phrases)), tuple(filter(_plain, excluded)))
    return parsed, _joined(options, filters)


def _take(filters: dict[str, str], key: str, value: str, *, quoted: bool) -> None:
    found = value if quoted or key == "source" else value.rstrip(_TRAILING)
    if filters.setdefault(key, found) != found:
        raise UsageError("filtered by two values at once", subject=f"{key}:")


def _refuse_excluded(token: re.Match[str]) -> None:
    if token["sign"]:
        raise UsageError(
            "only words and phrases can be excluded",
            subject=token.group()[:40],
            hint="To search for it as it stands, quote it.",
        )


def _joined(options: SearchOptions, filters: dict[str, str]) -> SearchOptions:
    for key, value in filters.items():
        if getattr(options, key) not in (None, value):
            raise UsageError("filtered by two values at once", subject=f"{key}:")
    more: dict[str, Any] = dict(filters)
    joined = replace(options, **more)
    for name in ("after", "before"):
        if (said := getattr(joined, name)) is not None:
            day(said, name)
    return joined


def _says(text: str, phrase: str) -> bool:
    wanted = _plain(phrase)
    before = r"(?<!\w)" if re.match(r"\w", wanted) else ""
    after = r"(?!\w)" if re.search(r"\w\Z", wanted) else ""
    return re.search(f"{before}{re.escape(wanted)}{after}", text) is not None


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
