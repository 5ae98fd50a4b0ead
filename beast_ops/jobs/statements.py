# SPDX-License-Identifier: Apache-2.0
"""What is said to the job table; made once, so that each is compiled once."""

from sqlalchemy import (
    REAL,
    TEXT,
    BindParameter,
    Update,
    and_,
    bindparam,
    column,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import sqlite

from beast_ops.database.prepared import Prepared

from .model import ATTEMPTS, ENDED, State
from .schema import JOBS, LINES, TRIES, WORKERS

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
    *(_of.id, _of.kind, _of.payload, _of.state, _of.token, _of.progress, _of.error),
    *(_of.created, _of.changed, _of.rank),
)
# What waits to be tried again after the clock was put back does not wait longer than ever.
_tried = TRIES.c
_pausing = and_(
    _tried.job == _of.id, _tried.due > _time, _tried.due <= bindparam("latest", type_=REAL)
)
_due = and_(_ready, ~exists().where(_pausing))
_shown = (
    *_columns,
    *(
        func.coalesce(select(each).where(_tried.job == _of.id).scalar_subquery(), 0).label(
            each.name
        )
        for each in (_tried.due, _tried.failures)
    ),
)


ADD = Prepared(insert(JOBS).values({name: bindparam(name) for name in _GIVEN}))
RELEASE = update(JOBS).where(_held).values(state=State.READY.value, changed=_time)
FORGOTTEN = select(1).where(_held, ~_of.changed.between(bindparam("before"), _time))
KEEP = update(JOBS).where(_held).values(changed=_time)

# What nobody holds and nobody should go on with: two statements, for each finds its rows by an
# index. The first has its 1 in its words, as the index has.
_cancelled = _of.cancelled == literal_column("1")
END_UNWANTED = Prepared(
    update(JOBS)
    .where(_cancelled, or_(_ready, _abandoned))
    .values(state=State.CANCELLED.value, error="cancelled", changed=_time)
)
END_FATAL = Prepared(
    update(JOBS)
    .where(_abandoned, _of.attempts >= ATTEMPTS)
    .values(state=State.FAILED.value, error=_GIVEN_UP, changed=_time)
)

_only, _but = (
    select(func.json_each(bindparam(name, type_=TEXT)).table_valued(column("value", TEXT)).c.value)
    for name in ("only", "but")
)
_all = bindparam("only", type_=TEXT) == "[]"
_in_lane = and_(or_(_all, _of.kind.in_(_only)), _of.kind.not_in(_but))
_placed = select(_of.id, _of.rank, _of.created)
_first = _placed.where(_due, _in_lane).order_by(_of.rank, _of.created, _of.id).limit(1)
_silent = _placed.where(_abandoned, _in_lane)
_next = union_all(select(_first.subquery()), _silent).subquery()
_oldest = select(_next.c.id).order_by(_next.c.rank, _next.c.created, _next.c.id).limit(1)
OUTRANKED = select(1).where(_due, _in_lane, _of.rank < bindparam("rank")).limit(1)
IDLE = select(_of.kind).where(or_(_due, _abandoned)).distinct()
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
    .returning(*_columns, _of.result, literal(0.0).label("due"), literal(0).label("failures"))
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
AGAIN = Prepared(
    _of_mine(state=State.READY.value, error=_value, attempts=0)  # its worker did not die of it
)
GIVE_BACK = Prepared(_of_mine(state=_value, attempts=_of.attempts - 1))
CANCEL_WAITING = (
    update(JOBS)
    .where(_of.id == _job, _of.state.in_([State.HELD.value, State.READY.value]))
    .values(state=State.CANCELLED.value, error="cancelled", changed=_time)
)
RETRY = (
    update(JOBS)
    .where(_of.id == _job, _of.state.in_([State.FAILED.value, State.CANCELLED.value]))
    .values(
        state=State.READY.value,
        error=null(),
        cancelled=0,
        attempts=0,
        progress="{}",
        changed=_time,
    )
)
CANCEL_RUNNING = (
    update(JOBS).where(_of.id == _job, _of.state == State.RUNNING.value).values(cancelled=1)
)

GET = select(*_shown, _of.result).where(_of.id == _job)
WAITING = (
    select(*_shown, null().label("result"))
    .where(_of.kind == bindparam("kind"), _ready)
    .order_by(_of.created, _of.id)
)
UNFINISHED = (
    select(*_shown, null().label("result"))
    .where(_of.kind == bindparam("kind"), or_(_ready, _of.state == State.RUNNING.value))
    .order_by(_of.created, _of.id)
)
_kind, _state = bindparam("kind", type_=TEXT), bindparam("state", type_=TEXT)
_wanted = and_(or_(_kind == "", _of.kind == _kind), or_(_state == "", _of.state == _state))
PAGE = (
    select(*_shown, null().label("result"))
    .where(_wanted)
    .order_by(_of.created.desc(), _of.id)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
COUNT = select(func.count()).select_from(JOBS).where(_wanted)
COUNTS = select(_of.kind, _of.state, func.count().label("found")).group_by(_of.kind, _of.state)
NEWEST_OF = select(func.max(_of.created)).where(_of.kind == bindparam("kind"))
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

_said = LINES.c
SAY = Prepared(insert(LINES).values(job=_job, at=_time, text=bindparam("line")))
_kept = (
    select(_said.number)
    .where(_said.job == _job)
    .order_by(_said.number.desc())
    .limit(1)
    .offset(bindparam("keep"))
)
FORGET_LINES = Prepared(
    delete(LINES).where(_said.job == _job, _said.number <= _kept.scalar_subquery())
)
FORGET_ORPHANS = tuple(
    delete(each).where(each.c.job.not_in(select(_of.id))) for each in (LINES, TRIES)
)
FAILURES = select(_tried.failures).where(_tried.job == _job)
_fresh_try = sqlite.insert(TRIES).values(
    job=_job, due=bindparam("due"), failures=bindparam("failures")
)
NOTE_TRY = _fresh_try.on_conflict_do_update(
    index_elements=["job"],
    set_={name: _fresh_try.excluded[name] for name in ("due", "failures")},
)
FORGET_TRIES = delete(TRIES).where(_tried.job == _job)
LOG = (
    select(_said.at, _said.text)
    .where(_said.job == _job)
    .order_by(_said.number.desc())
    .limit(bindparam("most"))
)
