# SPDX-License-Identifier: Apache-2.0
"""Have a change prove that golden questions are answered as well as before it."""

from dataclasses import replace

from beast_ops.clock import SYSTEM
from beast_ops.errors import BeastError
from beast_ops.health.model import Check, Report, Status
from beast_ops.place import Place
from beast_ops.release.hands import Hands

from .client import evaluate
from .gate import GATE, worse
from .questions import FOLDER, collections
from .run import Figures


def guarded(place: Place, hands: Hands) -> Hands:
    """Return *hands* whose gate asks the golden questions of *place*, too, if it has any.

    They are asked now, before the change, for comparison. What cannot be asked now is not judged
    later: it is not the change that spoiled it.
    """
    before: dict[str, Figures] = {}
    for name in collections(place.root / FOLDER):
        try:
            before[name] = evaluate(place, name).figures
        except BeastError:
            continue
    return hands if not before else replace(hands, gate=lambda where: _gate(where, hands, before))


def _gate(place: Place, hands: Hands, before: dict[str, Figures]) -> Report:
    found = hands.gate(place)
    if not found.passable:
        return found
    checks = tuple(_check(place, name, figures) for name, figures in before.items())
    return replace(found, checks=(*found.checks, *checks))


def _check(place: Place, name: str, before: Figures) -> Check:
    begun = SYSTEM.monotonic()
    try:
        now = evaluate(place, name).figures
    except BeastError as failed:
        status, said = Status.UNHEALTHY, failed.paragraph()
    else:
        fallen = worse(before, now, GATE)
        status = Status.UNHEALTHY if fallen else Status.HEALTHY
        said = "; ".join(fallen) or f"recall@5 {now.recall_5:.3f}, before {before.recall_5:.3f}"
    took = (SYSTEM.monotonic() - begun) * 1000
    return Check(f"golden questions: {name}", status, said, {}, took)
