# SPDX-License-Identifier: Apache-2.0
"""Tasks that a model carries out with tools; what it may do stands in the settings of the host.

What a task read may stand in its transcript, so all of this is for admins alone.
"""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from beast_ops.access.model import Scope
from beast_ops.agent.protocol import WORD
from beast_ops.errors import MissingError, UnavailableError
from beast_ops.ingest.intake import as_dict
from beast_ops.ingest.manifest import CollectionName
from beast_ops.models.job import LONGEST_NAME, NO_SERVER, NO_SERVER_HINT
from beast_ops.tasks import transcript
from beast_ops.tasks.job import KIND, WORDS_CHARACTERS, Wish
from beast_ops.tasks.transcript import Line

from .body import Body
from .house import House, InHouse
from .pages import PAGE, Limit, Offset, example, refusals
from .routes_ingest import JobModel
from .rules import needs

router = APIRouter(tags=["tasks"], prefix="/tasks")

_ID = "3b1f0c9d5a5e4c0f8a7f6f5f1f2f3f4f"
_NONE = refusals(s404="There is no such task")
_AWAY = refusals(s503="There is no model server")

TaskId = Annotated[str, Path(pattern=WORD, max_length=64, examples=[_ID])]


class TaskBody(Body):
    """What is to be done, and by which model; without `apply` it is only told what would be."""

    model_config = example(words="Write sandbox/summary.md about the notes.", apply=False)

    words: Annotated[str, Field(min_length=1, max_length=WORDS_CHARACTERS)]
    model: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    collections: Annotated[list[CollectionName], Field(max_length=20)] = Field(
        default=[], description="Collections that it may search."
    )
    apply: bool = False


class TaskReportModel(BaseModel):
    """What came of a task: files and commands are those that were, or would have been."""

    task: str
    status: Literal["done", "limit", "stuck", "unknown", "failed", "cancelled"]
    result: str
    apply: bool
    files: list[str]
    commands: list[str]
    tools: dict[str, int]
    steps: int
    tokens: int
    seconds: float


class TaskModel(BaseModel):
    """A task; `report` is there once it has ended, and `error` if it failed before it began."""

    model_config = example(
        task=_ID,
        state="done",
        words="Write sandbox/summary.md about the notes.",
        error=None,
        report={
            "task": _ID,
            "status": "done",
            "result": "The summary is written.",
            "apply": False,
            "files": ["sandbox/summary.md"],
            "commands": [],
            "tools": {"read": 1, "write": 1},
            "steps": 3,
            "tokens": 1200,
            "seconds": 14.2,
        },
    )

    task: str
    state: Literal["held", "ready", "running", "done", "failed", "cancelled", "unfinished"]
    words: str
    error: str | None
    report: TaskReportModel | None


class TranscriptModel(BaseModel):
    """A part of the lines of a transcript, the oldest first, and how many there are."""

    total: int
    lines: list[dict[str, Any]]


@router.post(
    "",
    status_code=202,
    summary="Start a task",
    responses=_AWAY,
    response_model_exclude_unset=True,
)
@needs(Scope.ADMIN)
async def begin(body: TaskBody, house: InHouse) -> JobModel:
    """Have a model carry out a task by a job.

    Which files it may read, where it may write and what it may run stand in `beast_worker_tasks`
    of the inventory; nothing in the request, and nothing the model says, can add to that.
    """
    return await asyncio.to_thread(_begin, house, body)


@router.get("/{task}", summary="Show a task", responses=_NONE)
@needs(Scope.ADMIN)
async def show(task: TaskId, house: InHouse) -> TaskModel:
    """Tell where a task stands, and what came of it."""
    return await asyncio.to_thread(_shown, house, task)


@router.get("/{task}/transcript", summary="Show what a task did", responses=_NONE)
@needs(Scope.ADMIN)
async def lines(
    task: TaskId, house: InHouse, limit: Limit = PAGE, offset: Offset = 0
) -> TranscriptModel:
    """Tell what a task did, line by line as it was written down while it happened."""
    found = await asyncio.to_thread(_lines, house, task)
    if not found:
        await asyncio.to_thread(_shown, house, task)
    return TranscriptModel(total=len(found), lines=[dict(each) for each in found[offset:][:limit]])


def _begin(house: House, body: TaskBody) -> JobModel:
    """Note what is to be done; raises `UnavailableError` if there is no model server."""
    if house.surroundings.models_url is None:
        raise UnavailableError(NO_SERVER, hint=NO_SERVER_HINT)
    said = body.model_dump()
    wish = Wish(**{**said, "collections": tuple(said["collections"])})
    job = house.jobs.get(house.jobs.add(KIND, {"wish": wish.model_dump_json()}))
    return JobModel.model_validate(as_dict(job))


def _lines(house: House, task: str) -> list[Line]:
    """Return the transcript of *task*; nothing if it has none yet."""
    try:
        return transcript.read(
            transcript.path_of(transcript.folder_in(house.surroundings.data), task)
        )
    except MissingError:
        return []


def _shown(house: House, task: str) -> TaskModel:
    found = _lines(house, task)
    last = found[-1] if found else {}
    report = last.get("report")
    words = str(found[0].get("words", "")) if found else ""
    try:
        job = house.jobs.get(task)
    except MissingError:  # it was begun by a verb, or is forgotten
        if not found:
            raise MissingError("there is no such task", subject=task) from None
        state, error = ("done" if report else "unfinished"), None
    else:
        if job.kind != KIND:
            raise MissingError("this job is no task", subject=task)
        state, error = str(job.state), job.error
        words = words or Wish.model_validate_json(str(job.payload["wish"])).words
    return TaskModel.model_validate(
        {"task": task, "state": state, "words": words, "error": error, "report": report}
    )
