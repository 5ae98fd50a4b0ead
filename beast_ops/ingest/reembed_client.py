# SPDX-License-Identifier: Apache-2.0
"""Have a collection of an installation on this machine get other vectors, through its API."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from beast_ops import receipts
from beast_ops.client import Client, connect
from beast_ops.errors import ConflictError
from beast_ops.evals.client import asking
from beast_ops.evals.gate import GATE, worse
from beast_ops.evals.questions import FOLDER, file_of, load
from beast_ops.evals.run import Figures, run
from beast_ops.jobs.client import Show, wait
from beast_ops.place import Place

OPERATION = "reembed"
GOES_ON = "The work goes on without you. To see it, or to go on, run the same command again."


@dataclass(frozen=True, slots=True)
class ReembedOptions:
    """How to change the vectors of a collection.

    Attributes:
        model: What makes the new ones.
        embedder: Which kind of server has it: `ollama`, `hash` or `none`.
        gate: How much each figure of the golden questions (0 to 1) may be worse than before;
            `None` means that they are not asked.
        keep: Whether the second collection is only filled, and the first stays in force.
    """

    model: str
    embedder: str = "ollama"
    gate: float | None = GATE
    keep: bool = False


def reembed(place: Place, collection: str, options: ReembedOptions, show: Show) -> dict[str, Any]:
    """Fill a second collection, ask the golden questions of both, and switch.

    Args:
        place: The installation.
        collection: The alias.
        options: How.
        show: Told from time to time how far it is.

    Returns:
        The contract of `reembed --json`.

    Raises:
        MissingError: If there is no such collection.
        ConflictError: If another second collection is there, its vectors are made with that
            model already, or golden questions are answered worse.
        ServiceError: If the work failed; what is done is kept.
        UnavailableError: If the API does not answer.
    """
    with _noted(place) as kept, connect(place) as api:
        filled = _job(
            api,
            collection,
            {"what": "fill", "embedder": options.embedder, "model": options.model},
            show,
        )
        kept.details = dict(filled)
        if options.keep:
            return filled
        asked = _asked(place, collection, filled, options.gate)
        kept.details |= asked
        return {**_job(api, collection, {"what": "switch"}, show), **asked}


def act(place: Place, collection: str, what: str, show: Show) -> dict[str, Any]:
    """Switch to the second collection of *collection*, or drop it; raises as `reembed` does."""
    with _noted(place) as kept, connect(place) as api:
        result = _job(api, collection, {"what": what}, show)
        kept.details = dict(result)
        return result


def _noted(place: Place) -> AbstractContextManager[receipts.Recording]:
    place.require_deployed()
    return receipts.recording(place.receipts, OPERATION)


def _job(api: Client, collection: str, body: Mapping[str, Any], show: Show) -> dict[str, Any]:
    opened = api.collections.reembed(collection, **body)
    again = "Run the same command again: what is done is not done twice."
    try:
        return wait(lambda: api.jobs.get(opened["job"]), show, again)
    except KeyboardInterrupt:
        show({"phase": "note", "text": GOES_ON})
        raise


def _asked(
    place: Place, collection: str, filled: Mapping[str, Any], gate: float | None
) -> dict[str, Any]:
    """Ask the golden questions of both, if there are any; return the figures.

    Raises:
        ConflictError: If the second answers them worse than *gate* allows.
    """
    file = file_of(place.root / FOLDER, collection)
    if gate is None or not file.is_file():
        return {}
    before, now = (_figures(place, name, collection) for name in (filled["live"], filled["other"]))
    if fallen := worse(before, now, gate):
        raise ConflictError(
            f"the golden questions are answered worse: {'; '.join(fallen)}",
            subject=collection,
            hint=f"Nothing was switched. See: ./beast search --collection {filled['other']}. To "
            f"switch all the same: ./beast reembed {collection} --switch; to forget it: --drop",
        )
    return {"before": before.model_dump(mode="json"), "after": now.model_dump(mode="json")}


def _figures(place: Place, physical: str, collection: str) -> Figures:
    questions = load(file_of(place.root / FOLDER, collection))
    with asking(place, physical, "hybrid") as ask:
        return run(physical, questions, "hybrid", ask).figures
