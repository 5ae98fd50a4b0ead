# SPDX-License-Identifier: Apache-2.0
"""The models of the model server: what is there, what is in memory, fetch one, delete one."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from beast_ops.access.model import Scope
from beast_ops.cards import read_services
from beast_ops.errors import UnavailableError
from beast_ops.ingest.intake import as_dict
from beast_ops.jobs.model import State
from beast_ops.jobs.model import Wanted as JobsWanted
from beast_ops.jobs.views import Views
from beast_ops.models import server
from beast_ops.models.job import (
    KIND,
    LONGEST_NAME,
    NAME,
    NO_SERVER,
    NO_SERVER_HINT,
    ModelName,
    Wish,
)
from beast_ops.models.names import full
from beast_ops.models.room import beside

from . import fits
from .body import Body
from .house import House, InHouse
from .pages import example, refusals
from .routes_ingest import JobModel
from .rules import needs

router = APIRouter(tags=["models"], prefix="/models")
LATELY = 100  # jobs: whether one of before had come in part is soon forgotten

_AWAY = refusals(s503="There is no model server, or it does not answer")
_PULL = refusals(
    s409="It cannot fit on the host of the model server",
    s503="There is no model server, or it does not answer",
)
_DELETE = refusals(s404="The model server does not have this model", s503="It does not answer")

Named = Annotated[str, Path(pattern=NAME, max_length=LONGEST_NAME, examples=["llama3.2:3b"])]


class MemoryModel(BaseModel):
    """How a model is in memory: all its bytes, and those of them in the memory of a GPU."""

    bytes: int
    vram_bytes: int
    gpu_share: float = Field(description="The part of it in the memory of a GPU, 0 to 1.")
    context: int | None
    until: str


class ModelModel(BaseModel):
    """A model on disk; `memory` is there while it is loaded."""

    model_config = example(
        name="llama3.2:3b",
        bytes=2_019_393_189,
        family="llama",
        parameters="3.2B",
        quantization="Q4_K_M",
        context=131_072,
        modified="2026-05-01T03:00:00Z",
        memory={
            "bytes": 3_111_321_600,
            "vram_bytes": 3_111_321_600,
            "gpu_share": 1.0,
            "context": 4096,
            "until": "2026-05-01T03:05:00Z",
        },
    )

    name: str
    bytes: int
    family: str
    parameters: str
    quantization: str
    context: int | None
    modified: str
    memory: MemoryModel | None


class ModelsModel(BaseModel):
    """All models, by name."""

    models: list[ModelModel]


class PullBody(Body):
    """Which model to fetch."""

    model_config = example(model="llama3.2:3b")

    model: ModelName
    force: bool = Field(default=False, description="Fetch it even if it cannot fit.")


class DeletedModel(BaseModel):
    """The model that is gone."""

    deleted: str


@router.get("", summary="List models", responses=_AWAY)
@needs(Scope.READ)
async def listed(house: InHouse) -> ModelsModel:
    """List the models on disk, and how those in memory are shared by GPU and processor."""
    found = await server.models(_url(house))
    return ModelsModel(models=[_model(each) for each in found])


@router.post(
    "/pull",
    status_code=202,
    summary="Fetch a model",
    responses=_PULL,
    response_model_exclude_unset=True,
)
@needs(Scope.ADMIN)
async def pull(body: PullBody, house: InHouse) -> JobModel:
    """Fetch a model by a job, whose progress tells of every layer.

    One that is on its way already is not fetched twice. Cancelled, it goes on where it stopped
    the next time. One that cannot fit, as far as is known here, is refused unless `force` is set.
    """
    _url(house)
    return await asyncio.to_thread(_pull, house, full(body.model), force=body.force)


@router.delete("/{name:path}", summary="Delete a model", responses=_DELETE)
@needs(Scope.ADMIN)
async def delete(name: Named, house: InHouse) -> DeletedModel:
    """Delete a model from the disk of the model server."""
    await asyncio.to_thread(server.delete, _url(house), name)
    house.events.publish("model.deleted", model=full(name))
    return DeletedModel(deleted=full(name))


def _pull(house: House, model: str, *, force: bool) -> JobModel:
    around = house.surroundings
    shared = beside(read_services(around.services))
    wish = Wish(model=model, beside=shared)
    jobs, payload = house.jobs, wish.model_dump(exclude_defaults=True)
    under_way = [each for each in jobs.unfinished(KIND) if each.payload == payload]
    if not (under_way or force or _broke_off(jobs, payload)):
        fits.refuse(around, model)
    job = under_way[0] if under_way else jobs.get(jobs.add(KIND, payload))
    return JobModel.model_validate(as_dict(job))


def _broke_off(jobs: Views, payload: Mapping[str, Any]) -> bool:
    """Return whether *payload* was fetched in part: how much is left, its job finds out."""
    _, found = jobs.page(JobsWanted(KIND), LATELY, 0)
    last = next((each.state for each in found if each.payload == payload), None)
    return last in {State.CANCELLED, State.FAILED}


def _url(house: House) -> str:
    """Return where the model server is.

    Raises:
        UnavailableError: If there is none.
    """
    url = house.surroundings.models_url
    if url is None:
        raise UnavailableError(NO_SERVER, hint=NO_SERVER_HINT)
    return url


def _model(found: server.Model) -> ModelModel:
    values = asdict(found)
    if found.memory is not None:
        share = found.memory.vram_bytes / found.memory.bytes if found.memory.bytes else 0.0
        values["memory"]["gpu_share"] = round(min(share, 1.0), 3)
    return ModelModel.model_validate(values)
