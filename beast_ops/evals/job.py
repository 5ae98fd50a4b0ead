# SPDX-License-Identifier: Apache-2.0
"""The job that asks golden questions: it reads alone, so a killed one simply begins again."""

from collections.abc import Mapping
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.ingest.settings import Surroundings
from beast_ops.jobs.worker import Grip
from beast_ops.search.dense import Embedders
from beast_ops.search.model import Mode, SearchOptions
from beast_ops.settings import Strict

from .questions import Questions
from .run import DEEPEST, Answered, Result, run
from .store import asking

KIND = "evaluate"
QUESTIONS_MOST = 2000  # an hour of them, at the pace of a slow model server
SAY_SECONDS = 0.5


class Wish(Strict):
    """What to ask of whom, and how to search."""

    collection: str
    mode: Mode
    questions: Questions


class Evaluating:
    """Runs jobs of the kind `KIND`."""

    def __init__(self, around: Surroundings, clock: Clock = SYSTEM) -> None:
        """Ask the store of *around*."""
        self._around, self._clock = around, clock

    def __call__(self, grip: Grip) -> Mapping[str, Any]:
        """Ask what the job in *grip* wants, and return how it went.

        Raises:
            MissingError: If there is no such collection.
            UnavailableError: If the store does not answer.
        """
        wish = Wish.model_validate_json(str(grip.job.payload["wish"]), strict=False)
        return self._asked(wish, grip).as_dict()

    def _asked(self, wish: Wish, grip: Grip) -> Result:
        options = SearchOptions(
            collection=wish.collection, limit=DEEPEST, mode=wish.mode, whole=True
        )
        around, count = self._around, len(wish.questions.questions)
        done, said = 0, float("-inf")
        embedders = Embedders(around.models_url, folder=lambda: around.settings.models_folder)
        with asking(options, around.vectors_url, around.vectors_key, embedders) as ask:

            def watched(question: str) -> Answered:
                nonlocal done, said
                grip.check()
                if self._clock.monotonic() - said >= SAY_SECONDS:
                    grip.say({"done": done, "of": count})
                    said = self._clock.monotonic()
                answered = ask(question)
                done += 1
                return answered

            return run(wish.collection, wish.questions, wish.mode, watched, self._clock)
