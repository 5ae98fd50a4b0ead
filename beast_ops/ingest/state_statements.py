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

from beast_ops.database.prepared import Prepared

from .schema import DOCUMENTS, FRESH, LIKENESS, MEMBERS, OUTBOX, PENDING, RECIPES

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
CONTENTS = select(_of.sha256).where(_of.collection == _collection)
CHUNKS = select(_of.chunks).where(_of.collection == _collection, _of.source == _source)
COUNT = select(func.count()).select_from(DOCUMENTS).where(_of.collection == _collection)
LISTED = (
    select(_of.source, _of.size, _of.mtime_ns, _of.count)
    .where(
        _of.collection == _collection,
        _of.source > bindparam("after"),
        func.instr(func.lower(_of.source), bindparam("match")) > 0,
    )
    .order_by(_of.source)
    .limit(bindparam("most"))
)
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
_settle = _put(
    DOCUMENTS, "collection", "source", "size", "mtime_ns", "sha256", "chunks", "count", "job"
).values(recipe=_recipe)
SETTLE = Prepared(_settle)
SETTLED = Prepared(_remove(PENDING))
COMPARE = Prepared(_put(LIKENESS, "collection", "source", "signature"))
TOUCH = (
    update(DOCUMENTS)
    .where(_of.collection == _collection, _of.source == _source)
    .values(size=bindparam("size"), mtime_ns=bindparam("mtime_ns"))
)
FORGET = tuple(_remove(table) for table in (DOCUMENTS, PENDING, LIKENESS))
CLEAR = tuple(_clear(table) for table in (DOCUMENTS, PENDING, FRESH, LIKENESS, OUTBOX, MEMBERS))

FRESHEN = Prepared(_put(FRESH, "collection", "source", "boot", "at"))
ON_DISK = delete(FRESH).where(FRESH.c.at < bindparam("before"), FRESH.c.boot == _boot)

_to: BindParameter[str] = bindparam("to_collection")
_next = select(func.coalesce(func.max(OUTBOX.c.number), 0) + 1).scalar_subquery()
JOIN = _put(MEMBERS, "collection", "alias")
LEAVE = delete(MEMBERS).where(MEMBERS.c.collection == _collection)
MEMBERS_OF = select(MEMBERS.c.collection).where(MEMBERS.c.alias == bindparam("alias"))
# Whoever is kept in step with the collection that is written to has to be told of the source.
TELL = Prepared(
    insert(OUTBOX)
    .prefix_with("OR REPLACE")
    .from_select(
        ["collection", "source", "number"],
        select(MEMBERS.c.collection, _source, _next).where(
            MEMBERS.c.collection != _collection,
            MEMBERS.c.alias
            == select(MEMBERS.c.alias).where(MEMBERS.c.collection == _collection).scalar_subquery(),
        ),
    )
)
# All of a collection, or what is in doubt there: points of it may be stored that no row names.
TELL_ALL, TELL_DOUBTFUL = (
    insert(OUTBOX)
    .prefix_with("OR REPLACE")
    .from_select(
        ["collection", "source", "number"],
        select(_to, table.c.source, _next).where(table.c.collection == _collection),
    )
    for table in (DOCUMENTS, PENDING)
)
UNTOLD = (
    select(OUTBOX.c.source, OUTBOX.c.number)
    .where(OUTBOX.c.collection == _collection)
    .order_by(OUTBOX.c.number, OUTBOX.c.source)
    .limit(bindparam("most"))
)
COUNT_UNTOLD = select(func.count()).select_from(OUTBOX).where(OUTBOX.c.collection == _collection)
BEHIND = (
    select(MEMBERS.c.alias).distinct().join(OUTBOX, OUTBOX.c.collection == MEMBERS.c.collection)
)
_told = (OUTBOX.c.collection == _collection, OUTBOX.c.source == _source)
TOLD = delete(OUTBOX).where(*_told, OUTBOX.c.number == bindparam("number"))


def _copy(table: Table) -> Insert:
    """Return what copies the row of a source to another collection."""
    mine = (table.c.collection == _collection, table.c.source == _source)
    others = (each for each in table.columns if each.name != "collection")
    return (
        insert(table)
        .prefix_with("OR REPLACE")
        .from_select([each.name for each in table.columns], select(_to, *others).where(*mine))
    )


COPY = tuple(_copy(table) for table in (DOCUMENTS, PENDING, LIKENESS))

_twin = DOCUMENTS.alias()
_shared = (
    select(1)
    .where(_twin.c.collection == _of.collection, _twin.c.sha256 == _of.sha256)
    .where(_twin.c.source != _of.source)
    .exists()
)
EQUALS = (
    select(_of.sha256, _of.size, _of.source)
    .where(_of.collection == _collection, _shared)
    .order_by(_of.sha256, _of.source)
)
# Asked in the query itself, SQLite would go through the whole collection instead.
_same = select(_twin.c.source).where(
    _twin.c.collection == _collection, _twin.c.sha256 == bindparam("sha256")
)
# Asked for every document that is read, nearly always in vain.
TWINS = Prepared(
    select(_of.source, _of.count, func.coalesce(LIKENESS.c.signature, b"").label("signature"))
    .outerjoin(
        LIKENESS, and_(LIKENESS.c.collection == _of.collection, LIKENESS.c.source == _of.source)
    )
    .where(
        *(_of.collection == _collection, _of.source.in_(_same), _of.recipe == _recipe),
        ~select(1)
        .where(PENDING.c.collection == _of.collection, PENDING.c.source == _of.source)
        .correlate(DOCUMENTS)
        .exists(),
    )
    .order_by(_of.source)
    .limit(bindparam("most"))
)
SIGNATURES = select(LIKENESS.c.source, LIKENESS.c.signature).where(
    LIKENESS.c.collection == _collection
)
