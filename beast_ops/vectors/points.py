# SPDX-License-Identifier: Apache-2.0
"""Bodies that write points, as operations of the engine.

Each reader returns an iterator of operations: a large body becomes several, so that others are
answered in between. It judges all before it yields the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

from .conditions import point_id, point_ids, read_filter
from .config import Schema
from .edge import engine
from .errors import malformed, unsupported, wrong
from .fields import Fields, expect
from .vectors import known_names, named

Operation = engine.UpdateOperation
Steps = Iterator[engine.UpdateOperation | None]  # None: nothing yet, let others be answered
PIECE = 128  # points the engine takes in about 3 ms
MODES = {
    "upsert": engine.UpdateMode.Upsert,
    "insert_only": engine.UpdateMode.InsertOnly,
    "update_only": engine.UpdateMode.UpdateOnly,
}


def pieces(points: list[Any]) -> Iterator[list[Any]]:
    """Cut a list into what the engine takes without keeping others waiting."""
    for start in range(0, len(points), PIECE):
        yield points[start : start + PIECE]


def single_shard(fields: Fields) -> None:
    """Refuse a shard key: there is one shard."""
    if "shard_key" in fields:
        raise unsupported("shard_key")
    fields.raw("shard_key")


def upsert(body: Any, schema: Schema) -> Steps:
    """Read `points` (a list) or `batch` (columns) to be written."""
    fields = Fields(body, "")
    single_shard(fields)
    condition = fields.read("update_filter", read_filter)
    mode = fields.choice("update_mode", MODES)
    if "batch" in fields:
        rows = _columns(fields.need("batch", dict))
    else:
        rows = _rows(fields.need("points", list))
    fields.done()
    points: list[Any] = []
    for n, row in enumerate(rows):
        points.append(_point(row, schema, f"points[{n}]"))
        if len(points) % PIECE == 0:
            yield None  # a breath: nothing is written before all is judged
    for piece in pieces(points):
        yield Operation.upsert_points(piece, condition, mode)


def _rows(points: list[Any]) -> Iterator[tuple[Any, Any, Any]]:
    for n, point in enumerate(points):
        if type(point) is not dict or not point.keys() <= {"id", "vector", "payload"}:
            Fields(point, f"points[{n}]").only("id", "vector", "payload")
        yield point.get("id"), point.get("vector"), point.get("payload")


def _columns(batch: Any) -> Iterator[tuple[Any, Any, Any]]:
    fields = Fields(batch, "batch")
    ids = fields.need("ids", list)
    payloads = fields.take("payloads", list)
    vectors = fields.raw("vectors")
    fields.done()
    if isinstance(vectors, dict):
        columns = {
            name: expect(column, list, f"batch.vectors.{name}") for name, column in vectors.items()
        }
        _same_length(ids, *columns.values())
        rows = [{name: column[n] for name, column in columns.items()} for n in range(len(ids))]
    else:
        rows = expect(vectors, list, "batch.vectors")
    _same_length(ids, rows, *([payloads] if payloads is not None else []))
    return zip(ids, rows, payloads if payloads is not None else repeat(None), strict=False)


def _same_length(first: list[Any], *others: list[Any]) -> None:
    for other in others:
        if len(other) != len(first):
            raise wrong(f"batch: {len(first)} ids, but {len(other)} vectors or payloads")


def _point(row: tuple[Any, Any, Any], schema: Schema, where: str) -> engine.Point:
    identity, vector, payload = row
    if vector is None:
        raise malformed(f"{where}: missing field `vector`")
    if payload is not None and type(payload) is not dict:
        raise malformed(f"{where}.payload: expected an object")
    chosen = point_id(identity, f"{where}.id")
    return _engine_point(chosen, named(vector, schema, f"{where}.vector"), payload or {}, where)


def _engine_point(identity: Any, vectors: Any, payload: Any, where: str) -> engine.Point:
    try:
        return engine.Point(identity, vectors, payload)
    except (ValueError, TypeError, OverflowError) as error:
        raise malformed(f"{where}: {error}") from error


def delete(body: Any, _: Schema) -> Steps:
    """Read the points to be deleted."""
    fields = Fields(body, "")
    by_ids, by_filter = Operation.delete_points, Operation.delete_points_by_filter
    yield from _selected(fields, by_ids, by_filter)


def set_payload(body: Any, _: Schema) -> Steps:
    """Read payload fields to be set, and on which points."""
    yield from _payload(body, Operation.set_payload, Operation.set_payload_by_filter)


def overwrite_payload(body: Any, _: Schema) -> Steps:
    """Read payloads to be replaced, and on which points."""
    yield from _payload(body, Operation.overwrite_payload, Operation.overwrite_payload_by_filter)


def _payload(body: Any, by_ids: Callable[..., Any], by_filter: Callable[..., Any]) -> Steps:
    fields = Fields(body, "")
    payload, key = fields.need("payload", dict), fields.take("key", str)
    try:
        by_ids([], payload, key)  # the engine's own judgement of the payload and the key
    except (ValueError, TypeError, OverflowError) as error:
        raise malformed(f"payload: {error}") from error
    yield from _selected(
        fields,
        lambda ids: by_ids(ids, payload, key),
        lambda chosen: by_filter(chosen, payload, key),
    )


def delete_payload(body: Any, _: Schema) -> Steps:
    """Read payload fields to be removed, and from which points."""
    fields = Fields(body, "")
    keys = fields.strings("keys")
    if keys is None:
        raise malformed("missing field `keys`")
    yield from _selected(
        fields,
        lambda ids: Operation.delete_payload(ids, keys),
        lambda chosen: Operation.delete_payload_by_filter(chosen, keys),
    )


def clear_payload(body: Any, _: Schema) -> Steps:
    """Read which points lose their whole payload."""
    fields = Fields(body, "")
    yield from _selected(fields, Operation.clear_payload, Operation.clear_payload_by_filter)


def update_vectors(body: Any, schema: Schema) -> Steps:
    """Read new vectors of points that are there."""
    fields = Fields(body, "")
    single_shard(fields)
    condition = fields.read("update_filter", read_filter)
    listed = fields.need("points", list)
    fields.done()
    changed = []
    for n, each in enumerate(listed):
        point = Fields(each, f"points[{n}]")
        identity = point_id(point.raw("id"), point.at("id"))
        changed.append(
            engine.PointVectors(identity, named(point.raw("vector"), schema, point.at("vector")))
        )
        point.done()
    for piece in pieces(changed):
        yield Operation.update_vectors(piece, condition)


def delete_vectors(body: Any, schema: Schema) -> Steps:
    """Read which vectors which points lose."""
    fields = Fields(body, "")
    names = fields.strings("vector") or []
    known_names(names, schema)
    yield from _selected(
        fields,
        lambda ids: Operation.delete_vectors(ids, names),
        lambda chosen: Operation.delete_vectors_by_filter(chosen, names),
    )


def _selected(
    fields: Fields, by_ids: Callable[[Any], Operation], by_filter: Callable[[Any], Operation]
) -> Steps:
    single_shard(fields)
    ids = fields.read("points", point_ids)
    chosen = fields.read("filter", read_filter)
    fields.done()
    if (ids is None) == (chosen is None):
        raise malformed("expected either `points` or `filter`")
    try:
        yield by_ids(ids) if ids is not None else by_filter(chosen)
    except (ValueError, TypeError) as error:
        raise malformed(str(error)) from error


READERS: dict[str, Callable[..., Steps]] = {
    "upsert": upsert,
    "delete": delete,
    "set_payload": set_payload,
    "overwrite_payload": overwrite_payload,
    "delete_payload": delete_payload,
    "clear_payload": clear_payload,
    "update_vectors": update_vectors,
    "delete_vectors": delete_vectors,
}


def batch(body: Any) -> list[tuple[str, Any]]:
    """Read a list of operations of all kinds: the kind of each, and its body."""
    fields = Fields(body, "")
    listed = fields.need("operations", list)
    fields.done()
    return [_operation(each, f"operations[{n}]") for n, each in enumerate(listed)]


def _operation(value: Any, where: str) -> tuple[str, Any]:
    kinds = expect(value, dict, where)
    if len(kinds) != 1 or next(iter(kinds)) not in READERS:
        raise malformed(f"{where}: expected exactly one of {', '.join(READERS)}")
    return next(iter(kinds.items()))


def weight(calls: list[tuple[str, Any]]) -> int:
    """Return how many points calls wrote, for deciding when to optimise; changes count as one."""
    return sum(_size(body) if kind == "upsert" else 1 for kind, body in calls)


def _size(body: Any) -> int:
    batched = body.get("batch")
    return len(batched["ids"] if batched is not None else body["points"])
