# SPDX-License-Identifier: Apache-2.0
"""Whether a vector store finds what was written; a look only asks what there is."""

import secrets
from collections.abc import Iterable
from typing import Any

from beast_ops.errors import BeastError, ServiceError

from .model import Finding, Status
from .sight import Sight

SCRATCH = "beast-check-"  # what a gate that was killed leaves behind, the next one removes
SIZE = 4
NEAR, FAR = [1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]


async def vectors(sight: Sight) -> Finding:
    """Return whether the store lists its collections, and writes, finds and deletes if it must."""
    names = await _names(sight, sight.key)
    kept = [name for name in names if not name.startswith(SCRATCH)]
    details = {"address": sight.address, "collections": len(kept)}
    if not sight.thorough:
        return Finding(Status.HEALTHY, f"ready, collections: {len(kept)}", details)
    key = sight.secret("api_key")
    for name in names:
        if name.startswith(SCRATCH):
            await _ask(sight, key, "DELETE", f"/collections/{name}")
    await _rehearse(sight, key)
    said = f"writes, finds and deletes; collections: {len(kept)}"
    return Finding(Status.HEALTHY, said, details)


async def _names(sight: Sight, key: str | None) -> list[str]:
    listed = await _ask(sight, key, "GET", "/collections")
    return [str(each["name"]) for each in listed["collections"]]


async def _rehearse(sight: Sight, key: str | None) -> None:
    """Write two points into a collection of our own, find the right one, and leave no trace.

    Raises:
        ServiceError: If it finds another one, or the collection is still there in the end.
    """
    name = f"{SCRATCH}{secrets.token_hex(4)}"
    place = f"/collections/{name}"
    await _ask(sight, key, "PUT", place, {"vectors": {"size": SIZE, "distance": "Cosine"}})
    try:
        points = [{"id": 1, "vector": FAR}, {"id": 2, "vector": NEAR}]
        await _ask(sight, key, "PUT", f"{place}/points?wait=true", {"points": points})
        wanted = {"query": NEAR, "limit": 1}
        found = await _ask(sight, key, "POST", f"{place}/points/query", wanted)
        _judge(found["points"])
    finally:
        await _ask(sight, key, "DELETE", place)
    if name in await _names(sight, key):
        raise ServiceError("what was deleted is still there", subject=sight.service.name)


def _judge(found: Iterable[dict[str, Any]]) -> None:
    ids = [point["id"] for point in found]
    if ids != [2]:
        raise ServiceError(f"does not find what was just written, but {ids or 'nothing'}")


async def _ask(sight: Sight, key: str | None, method: str, path: str, body: Any = None) -> Any:
    headers = {"api-key": key} if key else {}
    answer = await sight.json(path, headers, method=method, body=body)
    try:
        return answer["result"]
    except (KeyError, TypeError):
        raise BeastError("answers like no vector store", subject=sight.service.name) from None
