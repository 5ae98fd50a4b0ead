# SPDX-License-Identifier: Apache-2.0
"""What the routes share while the process runs: store, searcher, health, figures."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request

from beast_ops import closed, http
from beast_ops.cards import Service, Services, read_services
from beast_ops.chat.answer import Answerer
from beast_ops.errors import BeastError, CardError, TransientError, UnavailableError
from beast_ops.events.outbox import events_file
from beast_ops.events.publisher import Publisher
from beast_ops.health import report
from beast_ops.health.model import Report
from beast_ops.health.standpoint import Standpoint
from beast_ops.ingest import duplicates
from beast_ops.ingest.duplicates import Duplicates
from beast_ops.ingest.intake import Intake
from beast_ops.ingest.settings import state_file
from beast_ops.ingest.state import DocumentState
from beast_ops.jobs.ringing import RingingTable
from beast_ops.keys import read_secret
from beast_ops.notebooks.desk import Desk, open_desk
from beast_ops.search.dense import Embedders
from beast_ops.search.hybrid import Searcher
from beast_ops.search.rerank import Reranking
from beast_ops.search.store import Store, open_store
from beast_ops.settings import Watched, load

from . import others
from .answering import answering
from .ingestions import Ingestions
from .learning import learn
from .metrics import Figures
from .once import Once
from .rules import SAFE
from .samples import Sample, Samples
from .settings import Settings, Surroundings
from .streams import Feed
from .together import beside, valkey_of, work

LOG = logging.getLogger("beast.api")
SOURCE = "beast-api"
HEALTH_SECONDS = 1.0
READY_SECONDS = 0.5
READY_DEADLINE = 2.0
FIRST_SECONDS = 2.0  # by then this process listens, and finds itself well
REFRESH_SECONDS = 15.0  # as often as Prometheus usually asks


@dataclass(frozen=True, slots=True)
class House:
    """The rooms of the running API."""

    settings: Callable[[], Settings]
    store: Store
    intake: Intake
    jobs: RingingTable
    searcher: Searcher
    desk: Desk
    answerer: Answerer
    figures: Figures
    health: Once[Report]
    ready: Once[None]
    surroundings: Surroundings
    samples: Samples
    events: Publisher
    feed: Feed


def watched_settings(around: Surroundings) -> Watched[Settings]:
    """Return the settings of this process, which follow their file."""
    return Watched(lambda path: load(Settings, path), around.settings)


@asynccontextmanager
async def open_house(
    around: Surroundings, settings: Watched[Settings], figures: Figures
) -> AsyncIterator[House]:
    """Open everything the routes need, and keep the health figures fresh meanwhile.

    Nothing here needs the other services to be up: they may come later and go in between.

    Raises:
        BeastError: If a secret cannot be read.
    """
    services = Watched(read_services, around.services)
    async with open_store(around.vectors_url, around.vectors_key) as store:
        with (
            work(around) as (intake, jobs),
            Publisher(events_file(around.data), SOURCE, valkey_of(around)) as events,
            _searching(around, settings, figures, store) as searcher,
        ):
            async with (
                open_desk(around.data, intake, jobs, store.physical) as desk,
                answering(around, settings.get, searcher) as answerer,
            ):
                house = House(
                    settings=settings.get,
                    store=store,
                    intake=intake,
                    jobs=jobs,
                    searcher=searcher,
                    desk=desk,
                    answerer=answerer,
                    figures=figures,
                    health=Once(_look(around, services, figures), HEALTH_SECONDS),
                    ready=Once(lambda: _ready(store, services), READY_SECONDS),
                    surroundings=around,
                    samples=Samples(),
                    events=events,
                    feed=Feed(events_file(around.data), figures.counts),
                )
                async with _refreshed(house):
                    yield house


@contextmanager
def _searching(
    around: Surroundings, settings: Watched[Settings], figures: Figures, store: Store
) -> Iterator[Searcher]:
    """Open what turns questions into vectors, and what orders passages anew."""
    folder, reranking = lambda: settings.get().models_folder, lambda: settings.get().reranking
    with (
        closing(Embedders(around.models_url, folder=folder)) as known,
        closing(Reranking(reranking, around.models_url)) as judge,
    ):
        yield Searcher(store, figures.asking.counted(known.embed), reranking=judge)


def _look(
    around: Surroundings, services: Watched[Services], figures: Figures
) -> Callable[[], Coroutine[None, None, Report]]:
    """Return what looks at all services and shows the figures what it found."""

    async def look() -> Report:
        found = await report.survey(
            services.get(), _keys(around), machine=True, standpoint=_standpoint(around)
        )
        figures.show_health(found)
        return found

    return look


def _standpoint(around: Surroundings) -> Standpoint | None:
    """Return where this process looks from; `None` if that is the host."""
    if not around.inside:
        return None
    return Standpoint(root=around.root, data=around.data, secrets=around.secrets, inside=True)


@asynccontextmanager
async def _refreshed(house: House) -> AsyncIterator[None]:
    works = [
        _refresh(house),
        house.feed.run(),
        *beside(house.surroundings, house.jobs, house.feed.nudge),
    ]
    tasks = [asyncio.create_task(each) for each in works]
    try:
        yield
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def documents(data: Path, physical: str) -> int | None:
    """Return how many documents are in the collection *physical*; `None` if nobody knows."""
    state = state_file(data)
    if not state.is_file():
        return None
    with DocumentState(state, read_only=True) as opened:
        return opened.count(physical)


def duplicates_of(data: Path, physical: str, least: float) -> Duplicates:
    """Return the documents of the collection *physical* that are alike, at least so much."""
    state = state_file(data)
    if not state.is_file():
        return Duplicates((), (), 0)
    with DocumentState(state, read_only=True) as opened:
        return duplicates.find(opened, physical, least)


async def house(request: Request) -> House:
    """Return the house of the process that serves *request*.

    A coroutine only because FastAPI asks a thread for everything else, which costs more than
    most routes.
    """
    return cast(House, request.app.state.house)


InHouse = Annotated[House, Depends(house)]


async def taking(request: Request, house: InHouse) -> None:
    """Refuse what would be gone if an upgrade under way does not hold.

    Raises:
        TransientError: While there is one, unless *request* only looks.
    """
    if request.method not in SAFE and closed.is_closed(house.surroundings.data):
        raise TransientError(
            "an upgrade is under way, and takes nothing until it has proven itself",
            hint="Try again in some minutes.",
        )


async def _ready(store: Store, services: Watched[Services]) -> None:
    try:
        services.get()
    except CardError as wrong:
        raise UnavailableError(str(wrong), subject=wrong.subject, hint=wrong.hint) from wrong
    try:
        async with asyncio.timeout(READY_DEADLINE):
            await store.ready()
    except TimeoutError as late:
        raise UnavailableError("the vector store does not answer in time") from late


def _keys(around: Surroundings) -> Callable[[Service], str | None]:
    """Return what finds a service's key among the secrets this process may read."""
    files = {"vectors": around.vectors_key, "queue": around.queue_key}
    if isinstance(around.models_url, http.Guarded):
        files["models"] = around.models_url.key

    def key(service: Service) -> str | None:
        file = files.get(service.health.deep or "")
        if file is None:
            return None
        try:
            return read_secret(file)
        except BeastError:
            return None  # the service will refuse us, which is then the finding

    return key


def _sample(house: House, found: Report) -> None:
    memory = next((check.details for check in found.checks if check.name == "memory"), {})
    queue = house.figures.states.queue
    house.samples.add(
        Sample(
            requests=house.figures.requests.answered,
            searches=house.figures.answered,
            jobs=queue.waiting + queue.running if queue else 0,
            memory=memory["total_bytes"] - memory["available_bytes"] if memory else None,
        )
    )


async def _refresh(house: House) -> None:
    ingestions = Ingestions(house.intake.newest, house.figures)
    await asyncio.sleep(FIRST_SECONDS)
    while True:
        try:
            await asyncio.to_thread(ingestions.look)
            await others.refresh(house.figures.states, house.surroundings)
            await asyncio.to_thread(learn, house.surroundings, house.figures.states.models)
            _sample(house, await house.health.get())
            for name in await house.store.names():
                shape = await house.store.shape(name)
                house.figures.chunks.labels(name).set(shape.points)
        except BeastError as failed:
            LOG.debug("figures not refreshed: %s", failed)
        except Exception:
            LOG.exception("figures not refreshed")
        await asyncio.sleep(REFRESH_SECONDS)
