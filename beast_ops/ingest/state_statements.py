# SPDX-License-Identifier: Apache-2.0
"""What is said to the state of the documents; made once, so that each is compiled once."""

from sqlalchemy import (
    TEXT,
    BindParameter,
    Delete,
    Insert,
    Table,
    and_,
    bindparam,
    column,
    delete,
    func,
    insert,
    select,
    update,
)

from .schema import DOCUMENTS, FRESH, PENDING, RECIPES

_of = DOCUMENTS.c
_collection: BindParameter[str] = bindparam("in_collection")
_source: BindParameter[str] = bindparam("of_source")
_boot: BindParameter[str] = bindparam("boot")
_recipe = func.coalesce(select(RECIPES.c.recipe).scalar_subquery(), "")


def _put(table: Table, *names: str) -> Insert:
    return insert(table).prefix_with("OR REPLACE").values({name: bindparam(name) for name in names})


def _add(table: Table) -> Insert:
    return insert(table).prefix_with("OR IGNORE")


def _remove(table: Table) -> Delete:
    return delete(table).where(table.c.collection == _collection, table.c.source == _source)


def _clear(table: Table) -> Delete:
    return delete(table).where(table.c.collection == _collection)


USE = _put(RECIPES, "one", "recipe")

_gone = FRESH.c.boot != _boot
DOUBT = _add(PENDING).from_select(
    ["collection", "source"], select(FRESH.c.collection, FRESH.c.source).where(_gone)
)
FORGET_BOOTS = delete(FRESH).where(_gone)

_asked = func.json_each(bindparam("sources", type_=TEXT)).table_valued(column("value", TEXT))
KNOWN = select(
    *(_of.source, _of.size, _of.mtime_ns, _of.sha256, _of.job, _of.count),
    (_of.recipe == _recipe).label("current"),
).where(
    _of.collection == _collection,
    _of.source.in_(select(_asked.c.value)),
    ~select(1)
    .where(PENDING.c.collection == _of.collection, PENDING.c.source == _of.source)
    .correlate(DOCUMENTS)
    .exists(),
)
CHUNKS = select(_of.chunks).where(_of.collection == _collection, _of.source == _source)
COUNT = select(func.count()).select_from(DOCUMENTS).where(_of.collection == _collection)
IN_DOUBT = select(PENDING.c.source).where(PENDING.c.collection == _collection)

_documents, _pending = (
    select(table.c.source).where(
        and_(
            table.c.collection == _collection,
            table.c.source > bindparam("low"),
            table.c.source < bindparam("high"),
        )
    )
    for table in (DOCUMENTS, PENDING)
)
BELOW = _documents.union(_pending).order_by("source")

INTEND = _add(PENDING).values(collection=bindparam("collection"), source=bindparam("source"))
SETTLE = _put(
    DOCUMENTS, "collection", "source", "size", "mtime_ns", "sha256", "chunks", "count", "job"
).values(recipe=_recipe)
SETTLED = _remove(PENDING)
TOUCH = (
    update(DOCUMENTS)
    .where(_of.collection == _collection, _of.source == _source)
    .values(size=bindparam("size"), mtime_ns=bindparam("mtime_ns"))
)
FORGET = tuple(_remove(table) for table in (DOCUMENTS, PENDING))
CLEAR = tuple(_clear(table) for table in (DOCUMENTS, PENDING, FRESH))

FRESHEN = _put(FRESH, "collection", "source", "boot", "at")
ON_DISK = delete(FRESH).where(FRESH.c.at < bindparam("before"), FRESH.c.boot == _boot)
