# SPDX-License-Identifier: Apache-2.0
"""Ask the golden questions of an installation on this machine; what `./beast eval` calls."""

from collections.abc import Iterator
from contextlib import contextmanager

from beast_ops.client import connect
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError
from beast_ops.place import Place
from beast_ops.search.client import SECONDS, asked
from beast_ops.search.model import Mode, SearchOptions

from .questions import FOLDER, collections, file_of, load
from .run import DEEPEST, Answered, Ask, Passage, Result, run


def chosen(place: Place, collection: str = "") -> list[str]:
    """Return *collection*, or all that have golden questions if it is empty.

    Raises:
        MissingError: If none has any.
    """
    folder = place.root / FOLDER
    found = [collection] if collection else collections(folder)
    if not found:
        raise MissingError(
            "no collection has golden questions",
            subject=str(folder),
            hint=f"Write some into {file_of(folder, 'docs')}, or have them drafted: "
            "./beast eval docs --suggest 20",
        )
    return found


def evaluate(place: Place, collection: str, mode: Mode = "hybrid", clock: Clock = SYSTEM) -> Result:
    """Ask the golden questions of *collection* through the API, and return how it went.

    Raises:
        MissingError: If it has none, or does not exist.
        SettingsError: If they make no sense.
        UnavailableError: If the API or the vector store does not answer.
    """
    questions = load(file_of(place.root / FOLDER, collection))
    with asking(place, collection, mode) as ask:
        return run(collection, questions, mode, ask, clock)


@contextmanager
def asking(place: Place, collection: str, mode: Mode) -> Iterator[Ask]:
    """Open what asks *collection* through the API."""
    options = SearchOptions(collection=collection, limit=DEEPEST, mode=mode, whole=True)
    with connect(place, seconds=SECONDS) as api:

        def ask(question: str) -> Answered:
            answer = api.search.ask(**asked(question, options))
            passages = tuple(
                Passage((str(hit.get("path") or hit["source"]), str(hit["source"])), hit["text"])
                for hit in answer["hits"]
            )
            return Answered(passages, answer["mode"])

        yield ask
