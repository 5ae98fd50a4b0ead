# SPDX-License-Identifier: Apache-2.0
"""How good a search is, in figures; pure.

A rank counts from 1 and is that of the first right passage; `None` means that there was none.
"""

import math
from collections.abc import Sequence

DEPTHS = (1, 5, 10)

Rank = int | None


def recall(ranks: Sequence[Rank], depth: int) -> float:
    """Return the share of questions with a right passage among the first *depth*."""
    if not ranks:
        return 0.0
    return sum(rank is not None and rank <= depth for rank in ranks) / len(ranks)


def mrr(ranks: Sequence[Rank]) -> float:
    """Return the mean of 1/rank, 0 where nothing right was found.

    Mean reciprocal rank: Voorhees, "The TREC-8 Question Answering Track Report", 1999.
    """
    if not ranks:
        return 0.0
    return sum(1 / rank for rank in ranks if rank is not None) / len(ranks)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the least of *values* that *share* (0 to 1) of them do not exceed; 0 if none.

    The nearest-rank method: what comes out was measured.
    """
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
