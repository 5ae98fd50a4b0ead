# SPDX-License-Identifier: Apache-2.0
"""What searches filter by, and how it is indexed; without an index a filter reads every point."""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = str | Mapping[str, Any]

# Folders are asked for by how the paths below them begin, which a plain index finds out by going
# through all of them.
_BEGINNINGS: Schema = {"type": "keyword", "prefix": True}
INDEXED: Mapping[str, Schema] = {
    "path": _BEGINNINGS,
    "source": _BEGINNINGS,
    "type": "keyword",
    "tags": "keyword",
    "modified": "datetime",
}


def lacking(there: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Schema]]:
    """Yield the fields that are not indexed as they should be, and how they should.

    Args:
        there: The indexes of a collection by field, as the store tells of them.
    """
    for field, wanted in INDEXED.items():
        if not _is_as(there.get(field), wanted):
            yield field, wanted


def _is_as(index: Mapping[str, Any] | None, wanted: Schema) -> bool:
    if index is None:
        return False
    if isinstance(wanted, str):
        return bool(index["data_type"] == wanted)
    said = {"type": index["data_type"], **(index.get("params") or {})}
    return wanted.items() <= said.items()
