# SPDX-License-Identifier: Apache-2.0
"""Print what is wrong, and pack what somebody who helps needs to see."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.doctor.model import Diagnosis


def doctor(place: Place, *, mend: bool, json: bool) -> int:
    """Print every diagnosis, after mending what can be if asked; return 1 if a problem is left.

    Raises:
        BusyError: If something is to be mended while another operation is under way.
    """
    from beast_ops.doctor.examine import examine
    from beast_ops.doctor.fix import fix

    found = examine(place)
    done = fix(place, found) if mend else []
    if done:
        found = examine(place)
    if json:
        diagnoses = [asdict(each) for each in found]
        emit({"root": str(place.root), "diagnoses": diagnoses, "fixed": done})
    else:
        _tell(found, done)
    return 1 if any(each.severity == "problem" for each in found) else 0


def _tell(found: Sequence["Diagnosis"], done: Sequence[str]) -> None:
    for each in done:
        line(f"Mended {each}")
    for diagnosis in found:
        line(f"{diagnosis.id} {diagnosis.severity}: {diagnosis.title}")
        line(f"  Seen:   {diagnosis.evidence}")
        line(f"  Cause:  {diagnosis.cause}")
        line(f"  Next:   {diagnosis.next_step}")
    if not found:
        line("Nothing is wrong.")


def support_bundle(place: Place, to: str) -> None:
    """Write the bundle to the file *to*, and say what is inside.

    Raises:
        BeastError: If it cannot be known what must be left out, or the file cannot be written.
    """
    from beast_ops.clock import SYSTEM, stamp
    from beast_ops.doctor.bundle import write

    target = Path(to or f"beast-support-{stamp(SYSTEM.now())}.tar.gz")
    for name in write(place, target):
        line(f"  {name}")
    line(f"Written to {target.absolute()}, without the secrets of this installation.")
    line("Look at it before you send it: only you know what else is private.")
