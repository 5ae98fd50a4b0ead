# SPDX-License-Identifier: Apache-2.0
"""Search the registry: by words, family, tags and size.

Words are looked for in a full-text index: in names, then in all that is said, then as beginnings
of words; the next way is only gone if too few were found. A word that tens of thousands of models
have would have them all weighed, for the twenty that are shown; so the first `CANDIDATES` are
weighed, in the order in which they were registered. Family, tags and orders of magnitude of sizes
are words of that index, too: a search that nothing fits ends as soon as one that all fit.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

CANDIDATES = 200
MOST_WORDS = 16
_WORD = re.compile(r"[^\W_]+")
# Where a word is looked for, and whether it may be the beginning of one: the cheapest way first.
WAYS = (("id : ", ""), ("", ""), ("id : ", "*"), ("", "*"))
Row = tuple[int, str, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        text: Words that all must be there, or begin a word that is.
        family: The family.
        tags: Tags or tasks that it must have, all of them.
        most_bytes: How large the smallest way to have it may be; one of unknown size is too large.
        most_parameters: How many parameters; one of unknown count has too many.
        limit: How many to return at most.
    """

    text: str = ""
    family: str = ""
    tags: tuple[str, ...] = ()
    most_bytes: int | None = None
    most_parameters: int | None = None
    limit: int = 20


def scale(size: int | None, parameters: int | None) -> str:
    """Return the orders of magnitude of a model as words of the index."""
    known = (("s", size), ("p", parameters))
    return " ".join(f"{kind}{count.bit_length()}" for kind, count in known if count is not None)


def matches(table: Connection, wanted: Wanted) -> list[str]:
    """Return the entries, as JSON, that fit *wanted*, the best first."""
    words = [word.casefold() for word in _WORD.findall(wanted.text)[:MOST_WORDS]]
    if wanted.text.strip() and not words:
        return []
    found = _with_words(table, wanted, words) if words else _without_words(table, wanted)
    return list(_entries(table, found))


def _with_words(table: Connection, wanted: Wanted, words: list[str]) -> list[int]:
    rules, values = _rules(wanted)
    limit = max(CANDIDATES, wanted.limit)
    said = (
        "SELECT m.number, m.id, m.weight FROM words "  # noqa: S608 - rules are ours, values are bound
        f"CROSS JOIN models m ON m.number = words.rowid {_where(['words MATCH :match', *rules])} "
        "LIMIT :limit"
    )
    rows: dict[int, Row] = {}
    for column, rest in WAYS:
        match = " AND ".join([*(f'{column}"{word}"{rest}' for word in words), *_narrowed(wanted)])
        for row in table.exec_driver_sql(said, {**values, "match": match, "limit": limit}):
            rows.setdefault(row[0], (row[0], row[1], row[2]))
        if len(rows) >= wanted.limit:
            break
    exact = wanted.text.strip().casefold()
    best = sorted(rows.values(), key=lambda row: _order(row, words, exact))
    return [number for number, _, _ in best[: wanted.limit]]


def _order(row: Row, words: list[str], exact: str) -> tuple[bool, int, float, str]:
    """Return what the better of two found models has less of."""
    _, name, weight = row
    low = name.casefold()
    said = _WORD.findall(low)
    begun = sum(not any(each.startswith(word) for each in said) for word in words)
    lacking = begun + sum(word not in said for word in words)
    return low not in (exact, f"{exact}:latest"), lacking, weight, name


def _without_words(table: Connection, wanted: Wanted) -> list[int]:
    narrowed = _narrowed(wanted)
    rules, values = _rules(wanted)
    source = "models m"
    if narrowed and not wanted.family:
        rules, values["match"] = ["words MATCH :match", *rules], " AND ".join(narrowed)
        source = "words CROSS JOIN models m ON m.number = words.rowid"
    said = (
        f"SELECT number FROM (SELECT m.number, m.weight, m.id FROM {source} "  # noqa: S608 - likewise
        f"{_where(rules)} {{order}} LIMIT :candidates) ORDER BY weight, id LIMIT :limit"
    )
    said = said.format(order="ORDER BY m.weight, m.id" if "match" not in values else "")
    values |= {"candidates": max(CANDIDATES, wanted.limit), "limit": wanted.limit}
    return [row[0] for row in table.exec_driver_sql(said, values)]


def _entries(table: Connection, numbers: list[int]) -> Iterator[str]:
    for number in numbers:
        row = table.exec_driver_sql("SELECT entry FROM models WHERE number = ?", (number,)).one()
        yield row[0]


def _narrowed(wanted: Wanted) -> list[str]:
    said = [f'tags : "{tag}"' for tag in map(_plain, wanted.tags) if tag]
    if family := _plain(wanted.family):
        said.append(f'family : "{family}"')
    for kind, most in (("s", wanted.most_bytes), ("p", wanted.most_parameters)):
        if most is not None:
            bits = range(1, max(most, 1).bit_length() + 1)
            said.append("scale : (" + " OR ".join(f"{kind}{each}" for each in bits) + ")")
    return said


def _plain(tag: str) -> str:
    return " ".join(_WORD.findall(tag))


def _rules(wanted: Wanted) -> tuple[list[str], dict[str, Any]]:
    rules: list[str] = []
    values: dict[str, Any] = {}
    for rule, value in (
        ("m.family = :family", wanted.family or None),
        ("m.size <= :size", wanted.most_bytes),
        ("m.parameters <= :parameters", wanted.most_parameters),
    ):
        if value is not None:
            rules.append(rule)
            values[rule.rpartition(":")[2]] = value
    for number, tag in enumerate(wanted.tags):
        said = f"SELECT 1 FROM tags WHERE tag = :t{number} AND model = m.number"  # noqa: S608 - a number of ours
        rules.append(f"EXISTS ({said})")
        values[f"t{number}"] = tag.casefold()
    return rules, values


def _where(rules: list[str]) -> str:
    return f"WHERE {' AND '.join(rules)}" if rules else ""
