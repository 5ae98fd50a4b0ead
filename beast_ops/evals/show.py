# SPDX-License-Identifier: Apache-2.0
"""Say to a human how golden questions were answered."""

from beast_ops.health.show import visible

from .gate import JUDGED
from .judge import Judged
from .run import Outcome

MISSED = 10  # more would push the figures off the screen


def told(judged: Judged) -> str:
    """Return the figures, what they were before, and the questions that were missed."""
    result, before = judged.result, judged.before
    figures = result.figures
    lines = [f"{figures.collection}: {figures.questions} questions, {_ways(judged)}"]
    for key, name in JUDGED.items():
        was = f"   {getattr(before.figures, key):.3f} before" if before else ""
        lines.append(f"  {name:<10} {getattr(figures, key):.3f}{was}")
    lines.append(f"  {'latency':<10} {figures.median_ms:.1f} ms, p95 {figures.p95_ms:.1f} ms")
    if before is None and judged.others:
        lines.append("The questions changed: there is nothing to compare with.")
    missed = result.missed()
    if missed:
        lines.append("Not among the first five:")
        lines += [f"  {_missed(each)}" for each in missed[:MISSED]]
        if len(missed) > MISSED:
            lines.append(f"  and {len(missed) - MISSED} more; --json names them all")
    if before is not None and judged.failures:
        lines.append(f"Worse than on {before.taken:%Y-%m-%d}: {'; '.join(judged.failures)}.")
    return "\n".join(lines)


def _ways(judged: Judged) -> str:
    figures = judged.result.figures
    answered = " and ".join(figures.answered)
    if figures.answered == (figures.asked,):
        return answered
    return f"asked {figures.asked}, answered {answered}"


def _missed(outcome: Outcome) -> str:
    rank = "not found" if outcome.rank is None else f"rank {outcome.rank}"
    return f"{rank:<9}  {visible(outcome.question.question)}"
