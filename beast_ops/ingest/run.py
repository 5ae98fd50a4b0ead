# SPDX-License-Identifier: Apache-2.0
"""The handler of ingestion jobs: one at a time for each collection, and tidy afterwards."""

import shutil
from collections.abc import Mapping
from functools import partial
from typing import Any

from beast_ops.errors import MissingError
from beast_ops.jobs.model import ENDED
from beast_ops.jobs.table import JobTable
from beast_ops.jobs.worker import Grip, OutrankedError

from .ingestion import Ingestion
from .members import Members
from .order import read_order
from .reembed import ask_to_feed
from .settings import Surroundings
from .state import DocumentState
from .store import PointStore
from .tally import Tally
from .task import Task
from .turn import turn

RECIPE = "2"  # raise it when documents are read or cut otherwise, so that all are done anew


def handler(around: Surroundings) -> "Run":
    """Return the handler of ingestion jobs for the worker in *around*."""
    return Run(around)


class Run:
    """Runs ingestion jobs."""

    def __init__(self, around: Surroundings) -> None:
        """Work with the data and services of *around*, cutting documents as its settings say."""
        self._around = around
        settings = around.settings
        with DocumentState(around.state) as state:
            state.doubt_after_boot()
            state.use(f"{RECIPE}/{settings.chunk_characters}/{settings.chunk_overlap}")

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Run the job in *grip* and return what `ingest --json` prints.

        Raises:
            BeastError: If it cannot go on; the job fails with its paragraph.
        """
        around = self._around
        order = read_order(grip.job, around.data)
        with (
            DocumentState(around.state) as state,
            PointStore(around.vectors_url, around.vectors_key, grip.check) as store,
        ):
            name = order.manifest.collection
            with turn(around, name, partial(_wait, grip)):
                tally = Tally(name, len(order.manifest.documents) + len(order.problems))
                result = Ingestion(Task(around, grip, order, state, store, tally)).run()
        self._keep_in_step(name)
        return result

    def _keep_in_step(self, name: str) -> None:
        """Have the other collections of *name* told what this one was, if there are any."""
        with Members(self._around.state) as members, JobTable(self._around.jobs) as jobs:
            if name in members.behind():
                ask_to_feed(jobs, name)

    def tidy(self) -> None:
        """Remove what was uploaded for jobs that ended, however they did, or are gone."""
        uploads = self._around.data / "uploads"
        if not uploads.is_dir():
            return
        with JobTable(self._around.jobs) as jobs:
            for folder in uploads.iterdir():
                try:
                    ended = jobs.get(folder.name).state in ENDED
                except MissingError:
                    ended = True
                if ended:
                    shutil.rmtree(folder, ignore_errors=True)


def _wait(grip: Grip) -> None:
    """Return if *grip* may go on waiting; a job that comes first must not wait for this one."""
    grip.check()
    if grip.is_outranked():
        raise OutrankedError
