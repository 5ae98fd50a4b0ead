# SPDX-License-Identifier: Apache-2.0
"""Which documents of a collection say the same, or nearly."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .likeness import pairs
from .sources import shown
from .state import DocumentState

PAIRS_MOST = 1000  # more than anybody looks through


@dataclass(frozen=True, slots=True)
class Duplicates:
    """What was found.

    Attributes:
        equal: Documents of the same content, in groups, by their paths.
        alike: Pairs that are nearly the same, the most alike first, each with the share of
            common passages of five words, from 0 to 1.
        more: How many pairs are not among them.
    """

    equal: tuple[tuple[str, ...], ...]
    alike: tuple[tuple[float, str, str], ...]
    more: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as the JSON contract has it."""
        return {
            "equal": [list(group) for group in self.equal],
            "alike": [
                {"share": round(share, 2), "one": one, "other": other}
                for share, one, other in self.alike
            ],
            "more": self.more,
        }


def find(state: DocumentState, collection: str, least: float) -> Duplicates:
    """Return the documents of *collection* (its physical name) that say the same, or nearly.

    Args:
        state: What is known of documents.
        collection: Which.
        least: How alike two have to be, from 0 to 1.
    """
    rows = state.equals(collection)
    groups = [
        tuple(sorted(shown(source) for _, _, source in group))
        for _, group in groupby(rows, key=lambda row: row[0])
    ]
    found = sorted(pairs(_others(state.signatures(collection), rows), least), reverse=True)
    alike = tuple((share, shown(one), shown(other)) for share, one, other in found[:PAIRS_MOST])
    return Duplicates(tuple(sorted(groups)), alike, len(found) - len(alike))


def _others(signatures: dict[str, bytes], rows: list[tuple[str, int, str]]) -> Mapping[str, bytes]:
    """Return *signatures* with one document for each group of equal ones."""
    seen = set()
    for sha256, _, source in rows:
        if sha256 in seen:
            signatures.pop(source, None)
        seen.add(sha256)
    return signatures
