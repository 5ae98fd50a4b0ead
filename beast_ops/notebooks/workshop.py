# SPDX-License-Identifier: Apache-2.0
"""Have texts made of sources by jobs, follow them, and keep what came of it."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from beast_ops.errors import ConflictError, MissingError
from beast_ops.jobs.model import Job, State
from beast_ops.jobs.table import JobTable

from .digest import Kind
from .model import SOURCES_MOST, Source
from .results import Making, Result, Results, ended, lost
from .rows import SourceRows
from .shelf import Shelf
from .store import Page
from .transform import KIND, Order

FOLLOW_SECONDS = 0.25
ALL_AT_ONCE = Page(limit=SOURCES_MOST)

Told = tuple[str, Mapping[str, Any]]


class Workshop:
    """What makes something of the sources of notebooks."""

    def __init__(self, rows: SourceRows, shelf: Shelf, results: Results, jobs: JobTable) -> None:
        """Read *rows* on the *shelf*, keep *results*, and have *jobs* do the work."""
        self._rows, self._shelf, self.results, self._jobs = rows, shelf, results, jobs
        self._beginning: set[str] = set()  # kept, but the job may not be there yet

    def choose(self, notebook: str, ids: Sequence[str]) -> list[Source]:
        """Return the sources *ids* of *notebook*, all that are ready if there are none.

        Raises:
            ConflictError: If one is not ready, or none is.
            MissingError: If there is no such source.
        """
        if not ids:
            found, _ = self._rows.page(notebook, ALL_AT_ONCE)
            ready = [each for each in found if self._shelf.seen(each)[1] == "ready"]
            if not ready:
                raise ConflictError(
                    "no source of this notebook is ready", hint="Add one, and wait until it is."
                )
            return ready[::-1]  # as they were added
        chosen = [self._rows.get(notebook, each) for each in dict.fromkeys(ids)]
        for source in chosen:
            state = self._shelf.seen(source)[1]
            if state != "ready":
                raise ConflictError(
                    f"this source is {state}", subject=source.name, hint="Choose ready ones."
                )
        return chosen

    def begin(
        self, notebook: str, kind: Kind, chosen: Sequence[Source], model: tuple[str, int]
    ) -> Result:
        """Have *kind* made of what was *chosen*; return what it will be.

        Args:
            notebook: Whose sources they are.
            kind: What to make.
            chosen: Of what.
            model: Which model writes, and how many tokens it sees.

        Raises:
            MissingError: If the notebook is gone.
        """
        key = uuid.uuid4().hex
        uris = tuple(each.uri for each in chosen)
        order = Order(kind=kind, sources=uris, model=model[0], context=model[1])
        self._beginning.add(key)
        try:
            result = self.results.begin(key, notebook, kind, [each.id for each in chosen])
            self._jobs.add(KIND, {"order": order.model_dump_json()}, job_id=key)
        finally:
            self._beginning.discard(key)
        return result

    def seen(self, result: Result) -> tuple[Result, str, Mapping[str, Any]]:
        """Return *result* as it is now, how its state is called, and how far it is."""
        if result.state is not Making.PENDING:
            return result, str(result.state), {}
        job = self._job(result)
        if job is None:
            return result, str(result.state), {}
        result = ended(result, job)
        state = "running" if job.state is State.RUNNING else str(result.state)
        return result, state, job.progress

    def cancel(self, notebook: str, result: str) -> Result:
        """Have *result* of *notebook* made no more.

        Raises:
            ConflictError: If it has ended.
            MissingError: If there is none.
        """
        found = self.results.get(notebook, result)
        if found.state is not Making.PENDING:
            raise ConflictError("it has ended already", subject=result)
        self._jobs.cancel(result)
        return found

    def delete(self, notebook: str, result: str) -> None:
        """Delete *result* of *notebook*, which is made no more then.

        Raises:
            MissingError: If there is none.
        """
        self.results.delete(notebook, result)
        with suppress(ConflictError, MissingError):  # it has ended
            self._jobs.cancel(result)

    def settle(self) -> None:
        """Keep what came of all that has ended."""
        for result in self.results.pending():
            if result.id in self._beginning:  # asked before the job is looked for, not after
                continue
            job = self._job(result)
            now = lost(result) if job is None else ended(result, job)
            if now.state is not Making.PENDING:
                self.results.settle(now)

    async def follow(self, notebook: str, result: str) -> AsyncGenerator[Told]:
        """Yield how *result* of *notebook* comes to be, as named events.

        `progress` says how far it is, `text` comes piece by piece (`again` if it begins anew),
        and `ended` ends it: its result is there, or its reason.

        Raises:
            MissingError: If there is none, or it was deleted meanwhile.
        """
        heard, far = "", None
        while True:
            found = await asyncio.to_thread(self.results.get, notebook, result)
            now, state, progress = await asyncio.to_thread(self.seen, found)
            text = str(now.content.get("text") or progress.get("text") or "")
            step = {"state": state, "done": progress.get("done"), "of": progress.get("of")}
            if step != far:
                yield "progress", step
                far = step
            if not text.startswith(heard):
                yield "again", {}
                heard = ""
            if text != heard:
                yield "text", {"text": text[len(heard) :]}
                heard = text
            if now.state is not Making.PENDING:
                yield "ended", {"state": state, "reason": now.reason or None}
                return
            await asyncio.sleep(FOLLOW_SECONDS)

    def _job(self, result: Result) -> Job | None:
        with suppress(MissingError):
            return self._jobs.get(result.id)
        return None
