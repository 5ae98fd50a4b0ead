# SPDX-License-Identifier: Apache-2.0
"""What is said to the job table; made once, so that each is compiled once."""

from sqlalchemy import (
    TEXT,
    BindParameter,
    Update,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite

from beast_ops.database.prepared import Prepared

from .model import ATTEMPTS, ENDED, State
from .schema import JOBS, WORKERS

_GIVEN_UP = f"its worker ended {ATTEMPTS} times while it ran; see the worker's log"

_GIVEN = ("id", "kind", "payload", "state", "rank", "created", "changed")

_job: BindParameter[str] = bindparam("job")
_time: BindParameter[float] = bindparam("now")
_value: BindParameter[object] = bindparam("value")
_of = JOBS.c
_ready = _of.state == State.READY.value
# A lease that ends later than any could was written before the clock was put back.
_abandoned = and_(
    _of.state == State.RUNNING.value,
    or_(_of.lease < _time, _of.lease > bindparam("never")),
)
_held = and_(_of.id == _job, _of.state == State.HELD.value)
_columns = (
    *(_of.id, _of.kind, _of.payload, _of.state, _of.token),
    *(_of.progress, _of.error, _of.rank),
)

ADD = Prepared(insert(JOBS).values({name: bindparam(name) for name in _GIVEN}))
RELEASE = update(JOBS).where(_held).values(state=State.READY.value, changed=_time)
FORGOTTEN = select(1).where(_held, ~_of.changed.between(bindparam("before"), _time))
KEEP = update(JOBS).where(_held).values(changed=_time)

_unwanted = and_(_of.cancelled == 1, or_(_ready, _abandoned))
_fatal = and_(_of.attempts >= ATTEMPTS, _abandoned)
# What nobody holds and nobody should go on with.
END_HOPELESS = Prepared(
    update(JOBS)
    .where(or_(_ready, _of.state == State.RUNNING.value), or_(_unwanted, _fatal))
    .values(
        state=case((_of.cancelled == 1, State.CANCELLED.value), else_=State.FAILED.value),
        error=case((_of.cancelled == 1, "cancelled"), else_=_GIVEN_UP),
        changed=_time,
    )
)

_only, _but = (
    select(func.json_each(bindparam(name, type_=TEXT)).table_valued(column("value", TEXT)).c.value)
    for name in ("only", "but")
)
_all = bindparam("only", type_=TEXT) == "[]"
_in_lane = and_(or_(_all, _of.kind.in_(_only)), _of.kind.not_in(_but))
_placed = select(_of.id, _of.rank, _of.created)
_first = _placed.where(_ready, _in_lane).order_by(_of.rank, _of.created, _of.id).limit(1)
_silent = _placed.where(_abandoned, _in_lane)
_next = union_all(select(_first.subquery()), _silent).subquery()
_oldest = select(_next.c.id).order_by(_next.c.rank, _next.c.created, _next.c.id).limit(1)
OUTRANKED = select(1).where(_ready, _in_lane, _of.rank < bindparam("rank")).limit(1)
CLAIM = (
    update(JOBS)
    .where(_of.id == _oldest.scalar_subquery())
    .values(
        state=State.RUNNING.value,
        owner=bindparam("owner"),
        lease=bindparam("lease"),
        token=_of.token + 1,
        attempts=_of.attempts + 1,
        changed=_time,
    )
    .returning(*_columns, _of.created, _of.result)
)
RECLAIM = (
    update(JOBS)
    .where(_of.state == State.RUNNING.value, _of.owner == bindparam("mine"))
    .values(lease=bindparam("lease"))
)


def _of_mine(**values: object) -> Update:
    """Return what changes a job for as long as it is held with the token that is its own."""
    mine = (_of.id == _job, _of.token == bindparam("mine"), _of.state == State.RUNNING.value)
    return update(JOBS).where(*mine).values(**values, changed=_time)


RENEW = _of_mine(lease=_value).returning(_of.cancelled)
PROGRESS = Prepared(_of_mine(progress=_value))
FINISH = Prepared(_of_mine(state=State.DONE.value, result=_value))
FAIL = Prepared(_of_mine(state=State.FAILED.value, error=_value))
STOP = Prepared(_of_mine(state=State.CANCELLED.value, error=_value))
GIVE_BACK = Prepared(_of_mine(state=_value, attempts=_of.attempts - 1))
CANCEL_WAITING = (
    update(JOBS)
    .where(_of.id == _job, _of.state.in_([State.HELD.value, State.READY.value]))
    .values(state=State.CANCELLED.value, error="cancelled", changed=_time)
)
CANCEL_RUNNING = (
    update(JOBS).where(_of.id == _job, _of.state == State.RUNNING.value).values(cancelled=1)
)

GET = select(*_columns, _of.created, _of.result).where(_of.id == _job)
WAITING = (
    select(*_columns, _of.created, null().label("result"))
    .where(_of.kind == bindparam("kind"), _ready)
    .order_by(_of.created, _of.id)
)
NEWEST = (
    select(*_columns, _of.created, null().label("result"))
    .order_by(_of.created.desc(), _of.id)
    .limit(bindparam("most"))
)
SWEEP = (
    delete(JOBS)
    .where(
        _of.changed < bindparam("before"),
        _of.state.in_([*sorted(each.value for each in ENDED), State.HELD.value]),
    )
    .returning(_of.id)
)
_reported = sqlite.insert(WORKERS).values(name=bindparam("name"), seen=bindparam("seen"))
REPORT = _reported.on_conflict_do_update(
    index_elements=["name"], set_={"seen": _reported.excluded.seen}
)
RETIRE = delete(WORKERS).where(WORKERS.c.name == bindparam("worker"))
