# SPDX-License-Identifier: Apache-2.0
"""Print receipts, and what differs from the release in force."""

from dataclasses import asdict
from itertools import islice

from beast_ops.place import Place

from .output import emit, line


def history(place: Place, operation: str, outcome: str, last: int, *, json: bool) -> None:
    """Print the newest receipts, one per line.

    Args:
        place: The installation.
        operation: Only those of this kind, if it is said.
        outcome: Only those that ended so, if it is said.
        last: How many.
        json: Whether to print everything they hold, as one JSON document.

    Raises:
        UsageError: If fewer than one is asked for.
    """
    from beast_ops.errors import UsageError
    from beast_ops.receipts import read_all

    if last < 1:
        raise UsageError("at least one can be shown", subject=f"--last {last}")
    wanted = (
        each
        for each in read_all(place.receipts)
        if operation in {"", each.operation} and outcome in {"", each.outcome}
    )
    found = list(islice(wanted, last))
    if json:
        emit(
            {"root": str(place.root), "receipts": [each.model_dump(mode="json") for each in found]}
        )
        return
    for each in found:
        line(
            f"{each.finished}  {each.operation:<9} {each.outcome:<11} {each.release:<17} "
            f"{each.seconds:7.1f} s  {_told(each.message or ', '.join(each.changed))}".rstrip()
        )
    if not found:
        line(f"Nothing of that kind was done at {place.root}.")


def _told(text: str) -> str:
    return " ".join(text.split())


def drift(place: Place, *, json: bool) -> int:
    """Print every difference and return 1 if there is one.

    Raises:
        NotDeployedError: If nothing is installed here.
        UnavailableError: If what runs the services does not answer.
    """
    from beast_ops.drift import differences

    found = differences(place)
    if json:
        emit({"root": str(place.root), "differences": [asdict(each) for each in found]})
    else:
        for each in found:
            line(f"{each.kind:<8} {each.name} {each.what}.")
        line(
            "It is put right by: ./beast deploy"
            if found
            else "Nothing differs from the release in force."
        )
    return 1 if found else 0
