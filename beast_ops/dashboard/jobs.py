# SPDX-License-Identifier: Apache-2.0
"""The jobs: what the workers do, did, and could not."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.api import routes_jobs as api
from beast_ops.api.house import House, InHouse
from beast_ops.api.rules import needs
from beast_ops.jobs.model import ENDED, Job, State

from .shell import HOME, page
from .told import saying, told

router = APIRouter(prefix=f"{HOME}/jobs", include_in_schema=False)
SHOWN = 100
FAILURES = 200


@router.get("")
@needs(Scope.READ)
async def whole(request: Request, house: InHouse) -> Response:
    """Show the newest jobs."""
    return page("jobs", request, here="jobs", title="Jobs", jobs=await newest(house))


@router.get("/now")
@needs(Scope.READ)
async def now(request: Request, house: InHouse) -> Response:
    """Show how the jobs are at this moment."""
    return page("jobs_now", request, jobs=await newest(house))


@router.get("/{job}")
@needs(Scope.READ)
async def one(job: str, request: Request, house: InHouse) -> Response:
    """Show one job, and what could not be done."""
    seen = await _seen(job, house)
    return page("job", request, here="jobs", title=f"Job {job[:12]}", **seen)


@router.get("/{job}/now")
@needs(Scope.READ)
async def one_now(job: str, request: Request, house: InHouse) -> Response:
    """Show how one job is at this moment."""
    return page("job_now", request, **await _seen(job, house))


@router.post("/{job}/cancel")
@needs(Scope.WRITE)
async def cancel(job: str, request: Request, house: InHouse) -> Response:
    """Cancel a job."""
    done = await told(api.cancel(job, house))
    answer = page("job_now", request, **await _seen(job, house))
    if done.trouble:
        return saying(answer, done.trouble.message, "bad")
    return saying(answer, "Cancelled: at once if it waited, soon if it runs.")


async def newest(house: House) -> Sequence[Job]:
    """Return the newest jobs, without their results."""
    return await asyncio.to_thread(house.jobs.newest, SHOWN)


async def _seen(name: str, house: House) -> dict[str, Any]:
    job = await asyncio.to_thread(house.jobs.get, name)
    result = dict(job.result or {})
    lines = result.pop("results", [])
    failures = [line for line in lines if not line.get("ok", True)]
    return {
        "job": job,
        "over": job.state in ENDED,
        "queued": job.state in {State.READY, State.HELD},
        "result": result,
        "failures": failures[:FAILURES],
        "more": max(0, len(failures) - FAILURES),
    }
