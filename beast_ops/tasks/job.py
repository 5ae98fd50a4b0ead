# SPDX-License-Identifier: Apache-2.0
"""The job that carries a task out; killed, the next one goes on from its transcript."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Annotated, Any

from pydantic import Field

from beast_ops.errors import (
    BeastError,
    ConflictError,
    ServiceError,
    TransientError,
    UnavailableError,
)
from beast_ops.evals.store import asking
from beast_ops.ingest.manifest import CollectionName
from beast_ops.ingest.settings import Surroundings, installation_of
from beast_ops.jobs.grip import CancelledError, Grip
from beast_ops.jobs.model import Job
from beast_ops.models.job import LONGEST_NAME, NO_SERVER, NO_SERVER_HINT
from beast_ops.search.dense import Embedders
from beast_ops.search.model import SearchOptions
from beast_ops.settings import Strict

from . import allow, transcript
from .conduct import Around, conduct
from .hands import HITS, Outside
from .model import Limits, Status, Task
from .speak import Server
from .tools import TOOLS
from .transcript import Line

KIND = "agent"
WORDS_CHARACTERS = 20_000
SHOWN = frozenset({"plan", "reply", "observation"})
ACTED = frozenset({"reply", "observation"})  # of those, after which something may be done


class Wish(Strict):
    """What is to be done; what it may do stands in the settings of the host."""

    words: Annotated[str, Field(min_length=1, max_length=WORDS_CHARACTERS)]
    model: Annotated[str, Field(max_length=LONGEST_NAME)] = ""
    collections: Annotated[tuple[CollectionName, ...], Field(max_length=20)] = ()
    apply: bool = False


class Working:
    """Runs jobs of the kind `KIND`."""

    def __init__(self, around: Surroundings) -> None:
        """Work with what is *around*."""
        self._around = around

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Carry out the task of the job in *grip*, and return its report without the words.

        Those may be from files that not everybody may read who may see jobs, and so may the names
        of files and the words of commands, which a model chose: they are only counted here. The
        transcript has them.

        Raises:
            UnavailableError: If there is no model server, or it does not answer.
            UsageError: If the settings of the host make no sense, or the model knows no tools.
            ConflictError: If it acted already, and nobody knows what it did.
        """
        wish = Wish.model_validate_json(str(grip.job.payload["wish"]))
        if wish.apply:
            self._require_memory(grip.job)
        url = self._around.models_url
        if url is None:
            raise UnavailableError(NO_SERVER, hint=NO_SERVER_HINT)
        around = Around(
            server=Server(url),
            folder=transcript.folder_in(self._around.data),
            outside=Outside(self._find, check=grip.check),
            show=lambda kind, line: _say(grip, kind, line),
            ending=ending,
        )
        report = conduct(self._task(grip.job.id, wish), around).as_dict()
        counted = {name: len(report[name]) for name in ("files", "commands")}
        return {name: said for name, said in report.items() if name != "result"} | counted

    def _require_memory(self, job: Job) -> None:
        """Raise `ConflictError` if *job* began to act, and its transcript does not tell how far.

        A backup has the jobs, and no transcript: after a restore, all would be done again.
        """
        path = transcript.path_of(transcript.folder_in(self._around.data), job.id)
        if job.progress.get("phase") in ACTED and not path.exists():
            raise ConflictError(
                "this task was under way, and its transcript is gone",
                subject=job.id,
                hint="Look at what it left in the sandbox, then start a new task.",
            )

    def _task(self, name: str, wish: Wish) -> Task:
        """Return the task that *wish* is within the bounds of this host."""
        said = self._around.settings.tasks
        bounds = allow.Wish(said.folders, said.sandbox, said.commands, wish.collections, wish.apply)
        limits = Limits(said.steps, said.tokens, said.seconds, said.context)
        allowed = allow.allowed(bounds, (installation_of(self._around.data), self._around.data))
        return Task(wish.words, wish.model or said.model, allowed, limits, name)

    def _find(self, collection: str, query: str) -> Sequence[Mapping[str, Any]]:
        around, folder = self._around, self._around.settings.models_folder
        options = SearchOptions(collection=collection, limit=HITS, whole=True)
        with (
            closing(Embedders(around.models_url, folder=lambda: folder)) as known,
            asking(options, around.vectors_url, around.vectors_key, known) as ask,
        ):
            return [{"path": each.names[0], "text": each.text} for each in ask(query).passages]


def ending(stopped: BaseException) -> Status | None:
    """Return how a task ends with *stopped*; nothing if its job is tried again."""
    if isinstance(stopped, CancelledError):
        return Status.CANCELLED
    again = isinstance(stopped, TransientError | ServiceError)
    return Status.FAILED if isinstance(stopped, BeastError) and not again else None


def _say(grip: Grip, kind: str, line: Line) -> None:
    """Note with the job what its task does.

    Between what is to be done and what came of it there is nothing to say: that would raise if
    the job is to end, and nobody could tell any more whether it was done.
    """
    if kind in SHOWN:
        tool = line["call"]["tool"] if kind == "observation" else ""
        tool = tool if tool in TOOLS else ""  # a model may name one that says what it read
        grip.say({"phase": kind, "tool": tool, "seconds": line["seconds"]})
