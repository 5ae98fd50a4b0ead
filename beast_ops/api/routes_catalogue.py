# SPDX-License-Identifier: Apache-2.0
"""The catalogue of models: what there is, why one would take it, and whether it would fit."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from beast_ops.access.model import Scope
from beast_ops.errors import BeastError
from beast_ops.fit.answer import Answer
from beast_ops.models import server
from beast_ops.models.catalogue import catalogue, mark
from beast_ops.models.entry import Entry, Family, Task
from beast_ops.models.find import Wanted
from beast_ops.models.names import full
from beast_ops.models.recommend import Asked, reasons, recommend
from beast_ops.models.registry import Registry, registry_file

from . import fits
from .house import House, InHouse
from .pages import example
from .rules import needs
from .settings import Surroundings

router = APIRouter(tags=["models"], prefix="/models")
GIGA = 10**9
MOST = 100
LOOK_SECONDS = 2.0  # what is here is nice to know; a catalogue waits no longer for it


class CatalogueQuery(BaseModel):
    """What is looked for; with a task, the best for it come first and say why."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[str, Field(max_length=200)] = ""
    task: Task | None = None
    family: Family | None = None
    max_gb: Annotated[float, Field(gt=0, le=1e6)] | None = None
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20


class FitModel(BaseModel):
    """Whether a model would fit on the host of the model server, as far as that can be seen."""

    verdict: str = Field(description="fits, fits-on-cpu, does-not-fit or unknown.")
    short: str | None = None
    weights: int | None = None
    memory: int | None = Field(default=None, description="Bytes, its cache included.")
    change: dict[str, Any] | None = Field(default=None, description="The cheapest that helps.")


class CatalogueModel(BaseModel):
    """A model, what is known of it, and whose word that is."""

    id: str
    name: str
    family: str
    author: str
    license: str
    parameters: int | None
    context: int | None
    bytes: int | None = Field(description="As it is pulled, or in the usual quantisation.")
    tasks: list[str]
    tags: list[str]
    here: bool
    why: list[str]
    fit: FitModel
    sources: dict[str, str]


_EXAMPLE = {
    "id": "llama3.2:3b",
    "name": "Llama 3.2 3B",
    "family": "llama",
    "author": "Meta",
    "license": "llama3.2",
    "parameters": 3210000000,
    "context": 131072,
    "bytes": 2000000000,
    "tasks": ["chat"],
    "tags": [],
    "here": False,
    "why": ["It is made for chat."],
    "fit": {
        "verdict": "fits-on-cpu",
        "short": None,
        "weights": 2_000_000_000,
        "memory": 3_103_000_000,
        "change": None,
    },
    "sources": {"context": "https://llmrun.dev/model/unsloth-llama-3-2-3b-instruct-gguf"},
}


class CatalogueAnswer(BaseModel):
    """Models that fit the question, and how many were passed over for what reason."""

    model_config = example(models=[_EXAMPLE], passed_over={"too large": 12})

    models: list[CatalogueModel]
    passed_over: dict[str, int]


@router.get("/catalogue", summary="Search the catalogue")
@needs(Scope.READ)
async def listed(house: InHouse, asked: Annotated[CatalogueQuery, Query()]) -> CatalogueAnswer:
    """Search what is known of models, and say of each whether it would fit here.

    What nobody verified is null, or not there at all.
    """
    here = await _here(house)
    return await asyncio.to_thread(_answer, house.surroundings, asked, here)


async def _here(house: House) -> frozenset[str]:
    url = house.surroundings.models_url
    if url is None:
        return frozenset()
    try:
        return frozenset(each.name for each in await server.models(url, LOOK_SECONDS))
    except BeastError:
        return frozenset()


def _answer(
    around: Surroundings, asked: CatalogueQuery, installed: frozenset[str]
) -> CatalogueAnswer:
    entries, passed = _found(around, asked, installed)
    verdicts = fits.each(around, entries)
    wish = _wish(asked)
    models = []
    for entry in entries:
        here = {entry.id} if full(entry.id) in installed else set[str]()
        why = reasons(entry, wish, here) if wish else ()
        models.append(_model(entry, verdicts[entry.id], why, here=bool(here)))
    return CatalogueAnswer(models=models, passed_over=passed)


def _found(
    around: Surroundings, asked: CatalogueQuery, installed: frozenset[str]
) -> tuple[Sequence[Entry], dict[str, int]]:
    """Return the models that fit: found by words, else the best for the task."""
    most = None if asked.max_gb is None else round(asked.max_gb * GIGA)
    with _registry(around) as registry:
        wish = _wish(asked)
        if wish is None or asked.text or asked.family:
            tags = (asked.task,) if asked.task else ()
            wanted = Wanted(asked.text, asked.family or "", tags, most, limit=asked.limit)
            return registry.search(wanted), {}
        every = list(registry.all())
    here = {entry.id for entry in every if full(entry.id) in installed}
    advice = recommend(every, wish, here)
    return [pick.entry for pick in advice.picks], advice.passed_over


def _wish(asked: CatalogueQuery) -> Asked | None:
    if asked.task is None:
        return None
    most = None if asked.max_gb is None else round(asked.max_gb * GIGA)
    return Asked(asked.task, most, limit=asked.limit)


def _registry(around: Surroundings) -> Registry:
    """Open the registry of the installation; where it cannot be seen, one with the catalogue."""
    whole = registry_file(around.root / "models")
    found = Registry(whole if whole.is_file() else around.data / "api" / "models.sqlite")
    found.seed(catalogue, mark())
    return found


def _model(entry: Entry, found: Answer, why: Sequence[str], *, here: bool) -> CatalogueModel:
    return CatalogueModel(
        id=entry.id,
        name=entry.name,
        family=entry.family,
        author=entry.author,
        license=entry.license,
        parameters=entry.parameters,
        context=entry.context,
        bytes=entry.size,
        tasks=list(entry.tasks),
        tags=list(entry.tags),
        here=here,
        why=list(why),
        fit=_fit(found, entry.id),
        sources={**entry.sources, **({"bytes": _source(entry)} if entry.size else {})},
    )


def _fit(found: Answer, name: str) -> FitModel:
    facts = found.models[name]
    return FitModel(
        verdict=found.verdict.value,
        short=found.short or None,
        weights=None if facts is None else facts.weights,
        memory=None if facts is None else facts.memory(found.load),
        change=None if found.change is None else asdict(found.change),
    )


def _source(entry: Entry) -> str:
    return next(way.source for way in entry.sizes if way.bytes == entry.size)
