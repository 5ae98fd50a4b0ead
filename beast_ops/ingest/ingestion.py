# SPDX-License-Identifier: Apache-2.0
"""Run one ingestion: find, parse, cut, embed, store, with the slowest stage setting the pace."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from beast_ops.errors import DocumentError
from beast_ops.jobs.worker import OutrankedError

from .batches import Batches
from .embedding import Embedding
from .plan import IngestPlan, compare, is_empty
from .reading import Reading
from .remember import note_of, remembering
from .stages import EMBED, FIND, UPSERT
from .state import Known
from .tally import Line
from .target import Target, open_target
from .task import Task
from .twins import Twins
from .writer import Batch, Writer

FORGET_AT_ONCE = 100
EMPTY = (
    "the folder is empty now, perhaps not mounted; its known documents ({}) are kept,"
    " unless you add --prune-empty"
)


class Ingestion:
    """One run of one job."""

    def __init__(self, task: Task) -> None:
        """Carry out *task* while its grip holds."""
        self._task, self._tally, self._stages = task, task.tally, task.tally.stages
        self._state, self._store, self._grip = task.state, task.store, task.grip
        self._collection = ""

    def run(self) -> Mapping[str, Any]:
        """Do it and return what it came to.

        Raises:
            OutrankedError: If a job of a higher priority waits; what was begun is stored by then.
        """
        around, order = self._task.around, self._task.order
        target = open_target(
            *(self._store, self._state, order.manifest.collection),
            *(around.settings, around.models_url),
        )
        self._collection = target.collection
        known, plan = self._plan()
        self._stages.passed(FIND, len(order.problems))
        self._stages.spared(len(order.problems))
        for source, reason in order.problems:
            self._tally.failed(Line(source, 0, reason))
        with closing(target), remembering(target, around) as target:
            refused = self._store_all(target, known, plan)
        self._forget([*plan.gone, *sorted(refused)])
        self._tally.deleted(len(plan.gone))
        return self._tally.result()

    def _store_all(
        self, target: Target, known: Mapping[str, Known], plan: IngestPlan
    ) -> Collection[str]:
        """Read and store what *plan* says; return the sources that the model refused."""
        settings = self._task.around.settings
        writer = Writer(self._store, self._state, target.collection, self._grip.check, self._stored)
        made = Embedding(target, settings.embed_at_once, partial(self._stages.passed, EMBED))
        with made as embedding, writer:
            batches = Batches(settings, embedding.begin, writer.put, self._refused)
            busy = {entry.source for _, entry in plan.read}
            twins = Twins(self._task, target, busy, writer.put)
            self._reading = Reading(self._task, target.collection, known, twins)
            for entries in (plan.read, twins.later):
                for read in self._reading.reads(entries):
                    self._stages.cut(batches.add(read))
                    self._task.tell()
                twins.flush()
                batches.flush()
                writer.drain()  # so that what comes twice finds the first one's passages
                twins.may_wait = False
        self._tally.embedded(embedding.figures())
        if self._reading.is_cut_short:
            raise OutrankedError
        return batches.refused

    def _plan(self) -> tuple[dict[str, Known], IngestPlan]:
        manifest = self._task.order.manifest
        known = self._state.known(self._collection, (each.source for each in manifest.documents))
        mine = self._grip.job.id
        # What an earlier attempt of this very job stored needs no second look.
        sent = {
            place
            for place in self._task.order.sent()
            if (before := known.get(manifest.documents[place].source)) is None or before.job != mine
        }
        plan = compare(manifest, known, self._below(), sent)
        self._stages.passed(FIND, len(plan.unchanged))
        self._stages.spared(len(plan.unchanged))
        for before in plan.unchanged:
            line = Line(before.source, before.count)
            (self._tally.ingested if before.job == mine else self._tally.unchanged)(line)
        return known, plan

    def _below(self) -> Sequence[str]:
        """Return what is known below the folders, and is gone, as far as it may leave."""
        manifest = self._task.order.manifest
        kept = {*manifest.kept, *(source for source, _ in self._task.order.problems)}
        kept.update(each.source for each in manifest.documents)
        below: list[str] = []
        for folder in manifest.folders:
            there = [
                source
                for source in self._state.below(self._collection, folder)
                if source not in kept and not self._task.order.left_out(source, folder)
            ]
            below += there
            if there and not manifest.prune_empty and is_empty(manifest, folder):
                kept.update(there)
                self._tally.trouble(Line(folder, 0, EMPTY.format(len(there))))
        below += self._task.order.gone(self._state, self._collection)
        return [source for source in below if source not in kept]

    def _stored(self, batch: Batch) -> None:
        self._stages.passed(UPSERT, len(batch.points))
        for each in batch.finished:
            note = note_of(self._reading.settled(each.known), each.cut)
            line = Line(each.known.source, len(each.chunks), seconds=each.seconds, note=note)
            self._tally.ingested(line)

    def _refused(self, source: str, error: DocumentError) -> None:
        self._tally.failed(Line(source, 0, str(error)))

    def _forget(self, sources: Sequence[str]) -> None:
        for begin in range(0, len(sources), FORGET_AT_ONCE):
            self._grip.check()
            some = sources[begin : begin + FORGET_AT_ONCE]
            self._state.intend(self._collection, some)
            self._store.delete_of(self._collection, some)
            self._state.forget(self._collection, some)
