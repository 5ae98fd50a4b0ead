# SPDX-License-Identifier: Apache-2.0
"""Collections, their aliases and their payload indexes."""

from typing import Any

from starlette.routing import Route

from beast_ops.vectors.answers import Call, reading, writing
from beast_ops.vectors.description import describe
from beast_ops.vectors.fields import Fields
from beast_ops.vectors.indexes import read_schema
from beast_ops.vectors.update import merged

BASE = "/collections/{name}"


async def listed(call: Call) -> Any:
    """Name all collections."""
    return {"collections": [{"name": name} for name in sorted(call.store.collections)]}


async def create(call: Call) -> Any:
    """Make a collection."""
    call.store.create(call.name, await call.json())
    return True


async def get(call: Call) -> Any:
    """Describe a collection."""
    return describe(call.collection)


async def exists(call: Call) -> Any:
    """Tell whether there is a collection, or an alias, of that name."""
    there = call.name in call.store.collections or call.name in call.store.aliases
    return {"exists": there}


async def update(call: Call) -> Any:
    """Change a collection's tuning or its metadata."""
    collection = call.collection
    await collection.reconfigure(merged(collection.record.config, await call.json()))
    return True


async def delete(call: Call) -> Any:
    """Delete a collection; false if there was none."""
    return await call.store.delete(call.name)


async def change_aliases(call: Call) -> Any:
    """Create, delete and rename aliases, all at once."""
    call.store.aliases.change(await call.json())
    return True


async def aliases(call: Call) -> Any:
    """Name all aliases."""
    return {"aliases": [_alias(*each) for each in call.store.aliases]}


async def aliases_of(call: Call) -> Any:
    """Name the aliases of one collection."""
    name = call.collection.name
    return {"aliases": [_alias(*each) for each in call.store.aliases if each[1] == name]}


def _alias(alias: str, collection: str) -> dict[str, str]:
    return {"alias_name": alias, "collection_name": collection}


async def create_index(call: Call) -> Any:
    """Index a payload field."""
    fields = Fields(await call.json(), "")
    field, schema = fields.need("field_name", str), fields.raw("field_schema")
    fields.done()
    read_schema(schema, "field_schema")
    return call.status(await call.collection.set_index(field, schema))


async def delete_index(call: Call) -> Any:
    """Drop the index of a payload field."""
    return call.status(await call.collection.set_index(call.part("field"), None))


ROUTES = [
    Route("/collections", reading(listed), methods=["GET"]),
    Route("/collections/aliases", writing(change_aliases), methods=["POST"]),
    Route("/aliases", reading(aliases), methods=["GET"]),
    Route(BASE, reading(get), methods=["GET"]),
    Route(BASE, writing(create), methods=["PUT"]),
    Route(BASE, writing(update), methods=["PATCH"]),
    Route(BASE, writing(delete), methods=["DELETE"]),
    Route(f"{BASE}/exists", reading(exists), methods=["GET"]),
    Route(f"{BASE}/aliases", reading(aliases_of), methods=["GET"]),
    Route(f"{BASE}/index", writing(create_index), methods=["PUT"]),
    Route(f"{BASE}/index/{{field:path}}", writing(delete_index), methods=["DELETE"]),
]
