# SPDX-License-Identifier: Apache-2.0
"""Print how golden questions were answered."""

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line


def evaluate(place: Place, collection: str, mode: str, gate: str, *, json: bool) -> int:
    """Ask, print, and return 1 if a figure fell by more than *gate* allows.

    Raises:
        UsageError: If an option makes no sense.
        BeastError: Whatever asking runs into.
    """
    from beast_ops.evals.client import chosen
    from beast_ops.evals.judge import judge
    from beast_ops.evals.show import told
    from beast_ops.search.model import mode_of

    way, most = mode_of(mode), share(gate)
    judged = []
    for name in chosen(place, collection):
        judged.append(judge(place, name, way, most))
        if not json:
            line(told(judged[-1]))
    if json:
        emit({"evaluations": [each.as_dict() for each in judged]})
    return 1 if any(each.failures for each in judged) else 0


def draft(place: Place, collection: str, count: int, model: str, *, json: bool) -> None:
    """Print drafts of golden questions, each as soon as it is there.

    Raises:
        BeastError: Whatever drafting runs into.
    """
    from beast_ops.evals.questions import FOLDER, file_of
    from beast_ops.evals.suggest import as_yaml, suggest

    found = suggest(place, collection, count, model)
    if json:
        emit({"questions": [each.model_dump(mode="json") for each in found]})
        return
    for each in as_yaml(found, file_of(place.root / FOLDER, collection)):
        line(each)


def share(text: str) -> float | None:
    """Return the number from 0 to 1 that *text* is; `None` if it is empty.

    Raises:
        UsageError: If it is none.
    """
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= 1:
        raise UsageError(
            "a gate is a number from 0 to 1", subject=f"--gate {text}", hint="Such as 0.02."
        )
    return found
