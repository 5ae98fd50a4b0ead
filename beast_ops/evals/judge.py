# SPDX-License-Identifier: Apache-2.0
"""Ask, compare with what was before, and leave a receipt of it."""

from dataclasses import dataclass
from typing import Any

from beast_ops import receipts
from beast_ops.clock import SYSTEM, Clock
from beast_ops.place import Place
from beast_ops.release.observe import current_release, read_record
from beast_ops.search.model import Mode

from .client import evaluate
from .gate import OPERATION, Baseline, last, worse
from .run import Result


@dataclass(frozen=True, slots=True)
class Judged:
    """An evaluation and what it is compared with.

    Attributes:
        result: What was measured.
        before: What is compared with, if there is something.
        others: Whether other questions were asked since, or before.
        failures: In what it is worse than the gate allows; empty without a gate.
    """

    result: Result
    before: Baseline | None
    others: bool
    failures: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return it as the JSON contract has it."""
        before = None
        if self.before is not None:
            before = {
                **self.before.figures.model_dump(mode="json"),
                "finished": self.before.taken.isoformat(),
            }
        return {
            **self.result.as_dict(),
            "before": before,
            "questions_changed": self.before is None and self.others,
            "failures": list(self.failures),
        }


def judge(
    place: Place,
    collection: str,
    mode: Mode = "hybrid",
    gate: float | None = None,
    clock: Clock = SYSTEM,
) -> Judged:
    """Ask the golden questions of *collection*, compare, and write a receipt.

    Args:
        place: The installation.
        collection: Which.
        mode: How to search.
        gate: How much each figure (0 to 1) may have fallen; anything goes if left out.
        clock: Where time comes from.

    Raises:
        MissingError: If it has no questions, or does not exist.
        SettingsError: If they make no sense.
        UnavailableError: If the API or the vector store does not answer.
    """
    release = current_release(place.require_deployed())
    record = read_record(place, release) if release else None
    with receipts.recording(place.receipts, OPERATION, clock) as kept:
        kept.release, kept.content = release or "", record.content if record else ""
        kept.details = {"collection": collection, "asked": mode}
        result = evaluate(place, collection, mode, clock)
        before, others = last(place.receipts, result.figures)
        fallen = worse(before.figures, result.figures, gate) if before and gate is not None else []
        kept.details = result.figures.model_dump(mode="json")
        if fallen:
            kept.outcome, kept.message = "failed", f"{collection}: {'; '.join(fallen)}"
    return Judged(result, before, others, tuple(fallen))
