# SPDX-License-Identifier: Apache-2.0
"""Give a collection vectors of another model while it goes on answering.

A second collection is made beside the one in force and fed from it: the texts are in the store,
so no document is read again. What comes in meanwhile reaches both. When nothing is left to be
told, the alias leads to the new one, in one step; the old one is kept in step from then on, so
that the way back is the same step, until it is dropped.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any, Literal

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import ConflictError, MissingError, ServiceError
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Grip
from beast_ops.llm import embedder_for, embedder_of
from beast_ops.settings import Strict

from . import copies
from .feed import Feed, Pace
from .members import Members
from .remember import remembering
from .settings import Surroundings
from .space import Space
from .store import PointStore, nth
from .target import Target, lexical_of
from .turn import turn

KIND = "reembed"


class Wish(Strict):
    """What a job shall do with a collection.

    Attributes:
        collection: The alias.
        what: `fill` makes a second collection and fills it, `switch` fills it up and has the
            alias lead there, `feed` fills it up, `drop` deletes what is not in force.
        embedder: Which kind makes the vectors of a second collection, for `fill`.
        model: Which of its models, for `fill`.
    """

    collection: str
    what: Literal["fill", "switch", "feed", "drop"]
    embedder: Literal["none", "ollama", "hash", "fastembed", "sentence-transformers"] = "ollama"
    model: str = ""


class Reembedding:
    """Runs jobs of the kind `KIND`."""

    def __init__(self, around: Surroundings) -> None:
        """Work with the data and services of *around*."""
        self._around = around

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Run the job in *grip* and return what it came to.

        Raises:
            BeastError: If it cannot go on; the job fails with its paragraph.
        """
        around, wish = self._around, Wish.model_validate(dict(grip.job.payload))
        with (
            PointStore(around.vectors_url, around.vectors_key, grip.check) as store,
            Members(around.state) as members,
        ):
            act: Callable[[_Work], Mapping[str, Any]] = _ACTS[wish.what]
            return act(_Work(around, grip, wish, store, members))

    def tidy(self) -> None:
        """Have fed what an earlier job could not, because a model server was away, say."""
        with Members(self._around.state) as members, JobTable(self._around.jobs) as jobs:
            for alias in members.behind():
                ask_to_feed(jobs, alias)


def ask_to_feed(jobs: JobTable, alias: str) -> None:
    """Add a job that keeps the collections of *alias* in step, unless one waits already."""
    wish = Wish(collection=alias, what="feed").model_dump()
    if not any(job.payload == wish for job in jobs.waiting(KIND)):
        jobs.add(KIND, wish)


class _Work:
    """One job at work."""

    def __init__(
        self,
        around: Surroundings,
        grip: Grip,
        wish: Wish,
        store: PointStore,
        members: Members,
    ) -> None:
        self.around, self.grip, self.wish = around, grip, wish
        self.store, self.members = store, members
        self.embedded: Counter[str] = Counter()  # how the vectors came to be

    def live(self) -> tuple[str, Space]:
        """Return the collection in force and its space.

        Raises:
            MissingError: If there is none.
        """
        found = self.store.find(self.wish.collection)
        if found is None:
            raise MissingError(
                "there is no such collection",
                subject=self.wish.collection,
                hint="Fill it with: ./beast ingest FOLDER",
            )
        return found

    def others(self, live: str) -> list[str]:
        """Return the collections that are kept in step with the one in force."""
        return [each for each in self.members.of(self.wish.collection) if each != live]

    def other(self, live: str) -> str:
        """Return the one collection that is kept in step with the one in force.

        Raises:
            MissingError: If there is none.
        """
        found = self.others(live)
        if not found:
            raise MissingError(
                "it has no second collection",
                subject=self.wish.collection,
                hint=f"Make one with: ./beast reembed {self.wish.collection} --model MODEL",
            )
        return found[0]

    def turn(self) -> AbstractContextManager[None]:
        """Hold the turn of the collection."""
        return turn(self.around, self.wish.collection, self.grip.check)

    def feed(self, live: str, to: str) -> int:
        """Tell *to* all it has still to be told of; return how many passages have words only."""
        space = self.store.space(to)
        settings, url = self.around.settings, self.around.models_url
        embedder = embedder_of(space.as_dict(), url, settings.models_folder)
        target = Target(to, lexical_of(space.language, settings), embedder)
        with closing(target), remembering(target, self.around) as target:
            pace = Pace(settings.batch, settings.embed_at_once)
            feed = Feed(self.store, self.members, live, target, pace)
            feed.run(self.grip.check, _Progress(self.grip, self.members.count(to)))
        self.embedded.update(feed.figures or {})
        return feed.refused


class _Progress:
    """Says how far a feed is."""

    def __init__(self, grip: Grip, seen: int, clock: Clock = SYSTEM) -> None:
        self._grip, self._seen, self._clock = grip, seen, clock
        self._begun = clock.monotonic()

    def __call__(self, left: int) -> None:
        self._seen = max(self._seen, left)  # more may have come in
        done = self._seen - left
        seconds = self._clock.monotonic() - self._begun
        rate = done / seconds if seconds > 0 else 0.0
        self._grip.say(
            {
                "done": done,
                "seen": self._seen,
                "rate": round(rate, 1),
                "eta": round(left / rate) if rate else None,
            }
        )


def _fill(work: _Work) -> Mapping[str, Any]:
    """Make a second collection, or go on with the one an earlier job began, and fill it."""
    with work.turn():
        live, space = work.live()
        wanted = _wanted(work, space)
        others = work.others(live)
        new = others[0] if others else _next(work)
        if others and new in copies.names(work.store):
            _refuse_another(work, new, wanted)
        else:
            work.members.begin(work.wish.collection, live, new)
            work.store.make("", new, wanted)
    refused = work.feed(live, new)
    return _result(work, live, new, refused)


def _wanted(work: _Work, space: Space) -> Space:
    """Return the space of the new collection; raises if there is nothing to gain."""
    wish, around = work.wish, work.around
    language, folder = space.language or around.settings.language, around.settings.models_folder
    embedder = embedder_for(wish.embedder, wish.model, around.models_url, folder)
    with closing(embedder) if embedder is not None else nullcontext():
        wanted = Space.of(embedder, language)
    if wanted.makers() == space.makers():
        raise ConflictError(
            f"its vectors are made by {space.embedder} {space.model} already".rstrip(),
            subject=wish.collection,
        )
    return wanted


def _next(work: _Work) -> str:
    """Return a name that no collection has."""
    taken, number = copies.names(work.store), 2
    while nth(work.wish.collection, number) in taken:
        number += 1
    return nth(work.wish.collection, number)


def _refuse_another(work: _Work, new: str, wanted: Space) -> None:
    there = work.store.space(new)
    if (there.makers(), there.language) != (wanted.makers(), wanted.language):
        raise ConflictError(
            f"a second collection is there already, {new}, made by {there.embedder} {there.model}",
            subject=work.wish.collection,
            hint=f"Drop it first: ./beast reembed {work.wish.collection} --drop",
        )


def _switch(work: _Work) -> Mapping[str, Any]:
    """Fill the second collection up and have the alias lead there."""
    live, _ = work.live()
    new = work.other(live)
    refused = work.feed(live, new)  # most of it, while others may write
    with work.turn():
        live, _ = work.live()
        new = work.other(live)
        work.members.doubt(live, new)
        refused += work.feed(live, new)
        _judge(work, live, new)
        copies.switch(work.store, work.wish.collection, new)
    return _result(work, new, live, refused)


def _judge(work: _Work, live: str, new: str) -> None:
    """Return if both collections hold the same number of points."""
    there, here = copies.count(work.store, live), copies.count(work.store, new)
    if there != here:
        raise ServiceError(
            f"{new} has {here} passages, {live} has {there}; nothing was switched",
            subject=work.wish.collection,
            hint="What was not made by ingestion cannot be carried over. Drop the second "
            f"collection and begin anew: ./beast reembed {work.wish.collection} --drop",
        )


def _feed(work: _Work) -> Mapping[str, Any]:
    """Keep the second collection in step."""
    live, _ = work.live()
    others: Sequence[str] = work.others(live)
    refused = sum(work.feed(live, each) for each in others)
    return _result(work, live, others[0] if others else "", refused)


def _drop(work: _Work) -> Mapping[str, Any]:
    """Delete what is not in force."""
    with work.turn():
        live, _ = work.live()
        dropped = work.others(live)
        for each in dropped:
            copies.drop(work.store, each)
            work.members.leave(each)
        work.members.alone(live)
    return {**_result(work, live, "", 0), "dropped": dropped}


def _result(work: _Work, live: str, other: str, refused: int) -> Mapping[str, Any]:
    return {
        "collection": work.wish.collection,
        "live": live,
        "other": other,
        "passages": copies.count(work.store, other or live),
        "words_only": refused,
        **({"embedded": dict(work.embedded)} if work.embedded else {}),
    }


_ACTS = {"fill": _fill, "switch": _switch, "feed": _feed, "drop": _drop}
