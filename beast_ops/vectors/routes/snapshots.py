# SPDX-License-Identifier: Apache-2.0
"""Snapshots of collections."""

import asyncio
from typing import Any
from uuid import uuid4

from starlette.responses import FileResponse
from starlette.routing import Route

from beast_ops.vectors import recovery, snapshots, uploads
from beast_ops.vectors.answers import Call, reading, writing

BASE = "/collections/{name}/snapshots"


async def create(call: Call) -> Any:
    """Make a snapshot."""
    return await recovery.create(call.store, call.collection)


async def listed(call: Call) -> Any:
    """Name the snapshots of a collection."""
    return snapshots.listed(recovery.folder(call.store, call.collection.name))


async def download(call: Call) -> Any:
    """Hand a snapshot out; a reading key suffices, as on a Qdrant server."""
    folder = recovery.folder(call.store, call.collection.name)
    path = snapshots.find(folder, call.part("snapshot"))
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)


async def delete(call: Call) -> Any:
    """Delete a snapshot."""
    folder = recovery.folder(call.store, call.collection.name)
    snapshots.delete(snapshots.find(folder, call.part("snapshot")))
    return True


async def recover(call: Call) -> Any:
    """Make a collection what a snapshot says that is here already."""
    path, checksum = recovery.read_location(call.store, await call.json())
    await recovery.recover(call.store, call.name, path, checksum)
    return True


async def upload(call: Call) -> Any:
    """Make a collection what a snapshot says that comes with the request."""
    edge = uploads.boundary(call.request.headers.get("content-type", ""))
    query = call.request.query_params
    with snapshots.workspace(call.store.tmp) as work:
        work.mkdir()
        raw, content = work / "body", work / f"{uuid4().hex}{snapshots.SUFFIX}"
        await uploads.receive(call.request.stream(), raw)
        await asyncio.to_thread(uploads.extract, raw, edge, content)
        raw.unlink()
        await recovery.recover(call.store, call.name, content, query.get("checksum"))
    return True


ROUTES = [
    Route(BASE, reading(listed), methods=["GET"]),
    Route(BASE, writing(create), methods=["POST"]),
    Route(f"{BASE}/recover", writing(recover), methods=["PUT"]),
    Route(f"{BASE}/upload", writing(upload), methods=["POST"]),
    Route(f"{BASE}/{{snapshot}}", reading(download), methods=["GET"]),
    Route(f"{BASE}/{{snapshot}}", writing(delete), methods=["DELETE"]),
]
