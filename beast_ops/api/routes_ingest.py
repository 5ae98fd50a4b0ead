# SPDX-License-Identifier: Apache-2.0
"""Documents in: a manifest, then what is wanted of it, then a job one can watch.

The work behind these routes is `beast_ops.ingest.intake`; it blocks, so it runs in threads.
"""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Depends, Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Discriminator, Field, Tag, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.ingest.intake import declared_folder
from beast_ops.ingest.manifest import CollectionName, Manifest
from beast_ops.jobs.model import Priority
from beast_ops.knowledge import COLLECTION

from .body import Body
from .house import House, InHouse, taking
from .pages import Offset, refusals
from .rules import CACHE_SECONDS, needs

router = APIRouter(tags=["ingest"], prefix="/ingest", dependencies=[Depends(taking)])

BLOCK_BYTES = 1 << 20
JOBS_MOST = 500

Index = Annotated[int, Field(ge=0)]


class FolderBody(Body):
    """A folder on the server's host, by the name under which the inventory declares it."""

    collection: CollectionName = COLLECTION
    folder: Annotated[str, Field(min_length=1, max_length=200)]
    prune_empty: bool = False
    priority: Priority = Priority.NORMAL


class OpenedModel(BaseModel):
    """A job, and the places in its manifest of the documents it wants to be sent."""

    job: str
    wanted: list[int]


class Taking(Protocol):
    """What takes the content of a document."""

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        ...


class SkipBody(Body):
    """Why a wanted document will not come."""

    reason: Annotated[str, Field(min_length=1, max_length=1000)]


class TakenModel(BaseModel):
    """A document was received, or its absence noted."""

    job: str
    index: int


class StageModel(BaseModel):
    """How far one stage is; `of` is estimated for passages, `rate` per second, `eta` in seconds."""

    stage: Literal["find", "parse", "chunk", "embed", "upsert"]
    unit: Literal["documents", "passages"]
    done: int
    of: int | None
    rate: float
    eta: int | None


class ProgressModel(BaseModel, extra="allow"):
    """How far a job is; nothing before it has begun, and stages of an ingestion alone."""

    done: int = 0
    seen: int = 0
    failed: int = 0
    rate: float = 0.0
    eta: int | None = None
    stages: list[StageModel] = []


class JobModel(BaseModel):
    """Where an ingestion stands; `result` is there once it is done."""

    job: str
    state: Literal["held", "ready", "running", "done", "failed", "cancelled"]
    priority: Priority
    progress: ProgressModel
    result: dict[str, Any] | None
    error: str | None


class JobsModel(BaseModel):
    """A part of the ingestions, the newest first, without their results; `total` counts all."""

    total: int
    jobs: list[JobModel]


def _kind(body: object) -> str:
    return "folder" if isinstance(body, dict) and "folder" in body else "manifest"


_BODY: TypeAdapter[Manifest | FolderBody] = TypeAdapter(
    Annotated[
        Annotated[Manifest, Tag("manifest")] | Annotated[FolderBody, Tag("folder")],
        Discriminator(_kind),
    ]
)


def _schemas() -> dict[str, Any]:
    """Return how OpenAPI describes the body that `open_job` reads by itself."""
    either = [
        TypeAdapter(model).json_schema(ref_template="#/components/schemas/{model}")
        for model in (Manifest, FolderBody)
    ]
    for schema in either:
        for name, definition in schema.pop("$defs", {}).items():
            schema["properties"] = _inline(schema["properties"], name, definition)
    return {"requestBody": {"content": {"application/json": {"schema": {"anyOf": either}}}}}


def _inline(value: Any, name: str, definition: Any) -> Any:
    """Return *value* with references to *name* replaced by its *definition*."""
    if isinstance(value, dict):
        if value.get("$ref") == f"#/components/schemas/{name}":
            return definition
        return {key: _inline(each, name, definition) for key, each in value.items()}
    return [_inline(each, name, definition) for each in value] if isinstance(value, list) else value


@router.post(
    "",
    status_code=202,
    openapi_extra=_schemas(),
    responses=refusals(s404="No folder is declared under this name"),
)
@needs(Scope.WRITE, limit="ingest")
async def open_job(request: Request, house: InHouse) -> OpenedModel:
    """Open an ingestion: of the documents in a manifest, or of a folder declared on the server.

    Documents known by size and time of writing are not wanted again. With nothing wanted, or
    for a folder, the job runs at once; else send what is wanted, then start it.
    """
    # Not by FastAPI: a hundred thousand documents would hold up everybody for a second.
    body = await asyncio.to_thread(_read, await request.body())
    if isinstance(body, FolderBody):
        return await asyncio.to_thread(_open_folder, house, body)
    physical = await house.store.physical(body.collection)
    opened = await asyncio.to_thread(house.intake.open_job, body, physical)
    return OpenedModel(job=opened.job, wanted=list(opened.wanted))


@router.put(
    "/{job}/documents/{index}",
    openapi_extra={"requestBody": {"content": {"application/octet-stream": {}}}},
)
@needs(Scope.WRITE, noted=False, limit="")
async def send_document(job: str, index: Index, request: Request, house: InHouse) -> TakenModel:
    """Send the content of one wanted document, as it is."""
    upload = await asyncio.to_thread(house.intake.receive, job, index)
    try:
        await stream(request, upload)
        await asyncio.to_thread(upload.finish)
    except BaseException:
        upload.abandon()
        raise
    return TakenModel(job=job, index=index)


@router.post("/{job}/documents/{index}/skip")
@needs(Scope.WRITE, noted=False, limit="")
async def skip_document(job: str, index: Index, body: SkipBody, house: InHouse) -> TakenModel:
    """Say why one wanted document will not come; it is then reported as failed."""
    await asyncio.to_thread(house.intake.skip, job, index, body.reason)
    return TakenModel(job=job, index=index)


@router.post("/{job}/start", status_code=202, response_model_exclude_unset=True)
@needs(Scope.WRITE)
async def start(job: str, house: InHouse) -> JobModel:
    """Let the job run; documents that were not sent are reported as failed."""
    await asyncio.to_thread(house.intake.start, job)
    return JobModel.model_validate(await asyncio.to_thread(house.intake.status, job))


@router.get("/{job}", response_model=JobModel)
@needs(Scope.READ)
async def status(job: str, house: InHouse) -> Response:
    """Tell where the job stands."""
    # Not by FastAPI: the result of a hundred thousand documents would hold up everybody.
    return await asyncio.to_thread(lambda: written(house.intake.status(job)))


@router.get("", response_model_exclude_unset=True)
@needs(Scope.READ, cache=CACHE_SECONDS)
async def newest(
    house: InHouse,
    limit: Annotated[int, Query(ge=1, le=JOBS_MOST)] = 50,
    offset: Offset = 0,
) -> JobsModel:
    """List the ingestions, the newest first."""
    total, jobs = await asyncio.to_thread(house.intake.page, limit, offset)
    return JobsModel(total=total, jobs=[JobModel.model_validate(job) for job in jobs])


@router.delete("/{job}", status_code=202, response_model_exclude_unset=True)
@needs(Scope.WRITE)
async def cancel(job: str, house: InHouse) -> JobModel:
    """Cancel the job: at once if it waits, after the current batch if it runs."""
    await asyncio.to_thread(house.intake.cancel, job)
    return JobModel.model_validate(await asyncio.to_thread(house.intake.status, job))


def written(job: Mapping[str, object]) -> Response:
    """Return *job* as an answer; in a thread, for the result of a large one takes a while."""
    found = JobModel.model_validate(job)
    return Response(found.model_dump_json(exclude_unset=True), media_type="application/json")


def _read(raw: bytes) -> Manifest | FolderBody:
    try:
        return _BODY.validate_json(raw)
    except ValidationError as wrong:
        raise RequestValidationError(
            wrong.errors(include_url=False, include_input=False, include_context=False)
        ) from wrong


def _open_folder(house: House, body: FolderBody) -> OpenedModel:
    declared = house.settings().folders
    folder = declared_folder(house.surroundings.root, declared, body.folder)
    job = house.intake.open_folder(
        body.collection, folder, prune_empty=body.prune_empty, priority=body.priority
    )
    return OpenedModel(job=job, wanted=[])


async def stream(request: Request, upload: Taking) -> None:
    """Have *upload* take the body of *request* in large blocks: each costs a trip to a thread."""
    held: list[bytes] = []
    size = 0
    async for block in request.stream():
        held.append(block)
        size += len(block)
        if size >= BLOCK_BYTES:
            await asyncio.to_thread(upload.write, b"".join(held))
            held, size = [], 0
    await asyncio.to_thread(upload.write, b"".join(held))
