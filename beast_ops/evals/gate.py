# SPDX-License-Identifier: Apache-2.0
"""Compare figures with those of before; pure but for reading receipts."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from beast_ops import receipts

from .run import Figures

OPERATION = "eval"
GOOD = frozenset({"done", "proven"})
GATE = 0.02  # one question of fifty: less is lost in what a change may shuffle
# What must not fall, and how it is called.
JUDGED = {
    "recall_1": "recall@1",
    "recall_5": "recall@5",
    "recall_10": "recall@10",
    "mrr": "MRR",
}
_NOISE = 1e-9  # of floating point


@dataclass(frozen=True, slots=True)
class Baseline:
    """Figures of before, and when they were taken."""

    figures: Figures
    taken: datetime


def last(folder: Path, now: Figures) -> tuple[Baseline | None, bool]:
    """Return the figures that *now* is compared with, and whether the questions are others.

    That is the last evaluation that succeeded of the same collection, asked in the same way, with
    the same questions. With none such there is nothing to compare with.

    Args:
        folder: Where receipts lie.
        now: What was measured.
    """
    others = False
    for receipt in receipts.read_all(folder):
        if receipt.operation != OPERATION or receipt.outcome not in GOOD:
            continue
        try:
            figures = Figures.model_validate(receipt.details, strict=False)
        except ValidationError:
            continue  # an older or a newer version wrote it
        if (figures.collection, figures.asked) != (now.collection, now.asked):
            continue
        if figures.digest == now.digest:
            return Baseline(figures, datetime.fromisoformat(receipt.finished)), others
        others = True
    return None, others


def worse(before: Figures, now: Figures, most: float) -> list[str]:
    """Return in what *now* is worse than *before* by more than *most* (0 to 1), as sentences."""
    return [
        f"{name} fell from {getattr(before, key):.3f} to {getattr(now, key):.3f}"
        for key, name in JUDGED.items()
        if getattr(before, key) - getattr(now, key) > most + _NOISE
    ]
