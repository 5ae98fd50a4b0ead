# SPDX-License-Identifier: Apache-2.0
"""The queue of jobs: which there are, what they said, and once more for those that failed."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from beast_ops.access.model import Scope
from beast_ops.agent.protocol import WORD
from beast_ops.errors import ConflictError
from beast_ops.ingest.intake import KIND as INGEST
from beast_ops.ingest.intake import as_dict
from beast_ops.jobs.model import ENDED, Job, Wanted

from .house import House, InHouse
from .pages import PAGE, Offset, example, refusals
from .routes_ingest import JOBS_MOST, JobModel
from .routes_jobs import cancel_in
from .rules import CACHE_SECONDS, needs

router = APIRouter(tags=["jobs"], prefix="/jobs")

LINES_MOST = 500
JobState = Literal["held", "ready", "running", "done", "failed", "cancelled"]
JobId = Annotated[str, Path(max_length=64)]

_NONE = refusals(s404="There is no such job")
_CLASH = refusals(s404="There is no such job", s409="Its state does not allow that")


class QueuedModel(JobModel):
    """A job of any kind; `retry_at` is there while it waits to be tried again."""

    model_config = example(
        job="3b1f0c9d5a5e4c0f8a7f6f5f1f2f3f4f",
        kind="model_pull",
        state="running",
        priority="normal",
        progress={"model": "llama3.2:latest", "completed": 10, "total": 100},
        result=None,
        error=None,
        created="2026-05-01T03:00:00+00:00",
        changed="2026-05-01T03:00:01+00:00",
        attempt=1,
        failures=0,
        retry_at=None,
    )

    kind: str
    created: str
    changed: str
    attempt: int = Field(description="How often it was handed to a worker.")
    failures: int = Field(description="How often it was tried in vain.")
    retry_at: str | None


class QueueModel(BaseModel):
    """The newest jobs without their results, and how many there are."""

    total: int
    jobs: list[QueuedModel]


class LineModel(BaseModel):
    """One line a job said."""

    at: str
    text: str


class JobLogModel(BaseModel):
    """The last lines a job said."""

    lines: list[LineModel]


@router.get("", summary="List jobs", response_model_exclude_unset=True)
@needs(Scope.READ, cache=CACHE_SECONDS)
async def queue(
    house: InHouse,
    limit: Annotated[int, Query(ge=1, le=JOBS_MOST)] = PAGE,
    offset: Offset = 0,
    kind: Annotated[str, Query(pattern=f"^$|{WORD}", max_length=64)] = "",
    state: JobState | None = None,
) -> QueueModel:
    """List the newest jobs, of one kind or in one state if that is said."""
    wanted = Wanted(kind, state or "")
    total, jobs = await asyncio.to_thread(house.jobs.page, wanted, limit, offset)
    return QueueModel(total=total, jobs=[_shown(each) for each in jobs])


@router.post(
    "/{job}/cancel",
    status_code=202,
    summary="Cancel a job",
    responses=_CLASH,
    response_model_exclude_unset=True,
)
@needs(Scope.WRITE)
async def cancel(job: JobId, house: InHouse) -> QueuedModel:
    """Cancel a job: at once if it waits, soon if it runs."""
    return await asyncio.to_thread(lambda: _shown(cancel_in(house, job)))


@router.post(
    "/{job}/retry",
    status_code=202,
    summary="Retry a job",
    responses=_CLASH,
    response_model_exclude_unset=True,
)
@needs(Scope.WRITE)
async def retry(job: JobId, house: InHouse) -> QueuedModel:
    """Let a job that failed or was cancelled be tried again, at once."""
    return await asyncio.to_thread(_retry, house, job)


@router.get("/{job}/log", summary="Read what a job said", responses=_NONE)
@needs(Scope.READ)
async def log(
    job: JobId, house: InHouse, lines: Annotated[int, Query(ge=1, le=LINES_MOST)] = 100
) -> JobLogModel:
    """Return the last lines a job said, the oldest first."""
    found = await asyncio.to_thread(house.jobs.log, job, lines)
    return JobLogModel(lines=[LineModel(at=_iso(at), text=text) for at, text in found])


def _retry(house: House, job: str) -> QueuedModel:
    found = house.jobs.get(job)
    if found.kind == INGEST and "folder" not in found.payload and found.state in ENDED:
        raise ConflictError(
            "what was uploaded for this job is gone",
            subject=job,
            hint="Ingest the same documents again; those that are known are not sent twice.",
        )
    house.jobs.retry(job)
    return _shown(house.jobs.get(job))


def _shown(job: Job) -> QueuedModel:
    more: dict[str, Any] = {
        "kind": job.kind,
        "created": _iso(job.created),
        "changed": _iso(job.changed),
        "attempt": job.token,
        "failures": job.failures,
        "retry_at": _iso(job.due) if job.state == "ready" and job.due else None,
    }
    return QueuedModel.model_validate({**as_dict(job), **more})


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
