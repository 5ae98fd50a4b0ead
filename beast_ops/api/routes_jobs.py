# SPDX-License-Identifier: Apache-2.0
"""Jobs of every kind, and those that give a collection other vectors or ask it questions.

The work is done by the worker; the routes note what is wanted and show how far it is.
"""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.responses import Response

from beast_ops.access.model import Scope
from beast_ops.errors import ConflictError
from beast_ops.evals import job as golden
from beast_ops.ingest.intake import KIND as INGEST
from beast_ops.ingest.intake import as_dict
from beast_ops.ingest.manifest import NAME_PATTERN
from beast_ops.ingest.reembed import KIND, Wish
from beast_ops.jobs.model import Job, State
from beast_ops.search.model import Mode

from .body import Body
from .house import House, InHouse
from .routes_ingest import JobModel, written
from .rules import needs

router = APIRouter(tags=["jobs"])

Alias = Annotated[str, Path(pattern=NAME_PATTERN)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]


class ReembedBody(Body):
    """What to do with the vectors of a collection; a model is only needed to `fill`."""

    what: Literal["fill", "switch", "drop"] = "fill"
    embedder: Literal["none", "ollama", "hash", "fastembed", "sentence-transformers"] = "ollama"
    model: Annotated[str, Field(max_length=200, examples=["nomic-embed-text"])] = ""


class GoldenBody(Body):
    """A question and who answers it: a passage of one source, with one phrase if there are any."""

    question: Annotated[str, Field(examples=["How do I rotate the keys?"])]
    sources: Annotated[list[Text], Field(min_length=1, examples=[["keys.md"]])]
    phrases: list[Text] = []


class EvaluateBody(Body):
    """The golden questions to ask, none of them twice, and how to search."""

    questions: Annotated[list[GoldenBody], Field(min_length=1, max_length=golden.QUESTIONS_MOST)]
    mode: Mode = "hybrid"


@router.post(
    "/collections/{collection}/reembed", status_code=202, response_model_exclude_unset=True
)
@needs(Scope.WRITE, limit="ingest")
async def reembed(collection: Alias, body: ReembedBody, house: InHouse) -> JobModel:
    """Fill a second collection with vectors of another model, switch to it, or drop it.

    The collection goes on answering from the one in force until the switch, which is one step;
    what comes in meanwhile reaches both. To switch again is the way back.
    """
    wish = Wish(collection=collection, **body.model_dump())
    return await asyncio.to_thread(_add, house, wish)


@router.post(
    "/collections/{collection}/evaluate", status_code=202, response_model_exclude_unset=True
)
@needs(Scope.WRITE, limit="ingest")
async def evaluate(collection: Alias, body: EvaluateBody, house: InHouse) -> JobModel:
    """Ask golden questions of a collection by a job, whose result says in figures how it went.

    The result holds recall among the first 1, 5 and 10 passages, the mean reciprocal rank, how
    long a question took, and the rank of the first right passage for each question.
    """
    await house.store.shape(collection)
    questions = body.model_dump(include={"questions"})
    asked = {"collection": collection, "mode": body.mode, "questions": questions}
    try:
        wish = golden.Wish.model_validate(asked, strict=False)
    except ValidationError as wrong:
        raise RequestValidationError(wrong.errors(include_url=False)) from wrong
    payload = {"wish": wish.model_dump_json()}
    added = await asyncio.to_thread(house.jobs.add, golden.KIND, payload)
    return _model(await asyncio.to_thread(house.jobs.get, added))


@router.get("/jobs/{job}", response_model=JobModel)
@needs(Scope.READ)
async def status(job: str, house: InHouse) -> Response:
    """Tell where a job stands."""
    found = await asyncio.to_thread(house.jobs.get, job)
    if found.kind == KIND and found.state is State.DONE:
        house.store.forget(str(found.payload["collection"]))  # whoever waited sees the new one
    return await asyncio.to_thread(written, as_dict(found))


@router.delete("/jobs/{job}", status_code=202, response_model_exclude_unset=True)
@needs(Scope.WRITE)
async def cancel(job: str, house: InHouse) -> JobModel:
    """Cancel a job: at once if it waits, soon if it runs."""
    return await asyncio.to_thread(lambda: _model(cancel_in(house, job)))


def _add(house: House, wish: Wish) -> JobModel:
    """Note *wish*; raises `ConflictError` if one for this collection waits already."""
    for job in house.jobs.waiting(KIND):
        if job.payload["collection"] == wish.collection and job.payload["what"] != "feed":
            raise ConflictError(
                "a change of its vectors waits already",
                subject=wish.collection,
                hint=f"See job {job.id}, or cancel it: DELETE /jobs/{job.id}",
            )
    return _model(house.jobs.get(house.jobs.add(KIND, wish.model_dump())))


def cancel_in(house: House, job: str) -> Job:
    """Cancel *job*, and return it as it then stands.

    Raises:
        MissingError: If there is none.
        ConflictError: If it has ended.
    """
    if house.jobs.get(job).kind == INGEST:
        house.intake.cancel(job)  # its uploads leave with it
    else:
        house.jobs.cancel(job)
    return house.jobs.get(job)


def _model(job: Job) -> JobModel:
    return JobModel.model_validate(as_dict(job))
