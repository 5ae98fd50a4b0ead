# SPDX-License-Identifier: Apache-2.0
"""Print the jobs of the worker."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from json import dumps
from typing import TYPE_CHECKING, Any

from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:  # what asks costs a twentieth of a second to load
    from beast_ops.client import Client


def listed(place: Place, kind: str, state: str, last: int, *, json: bool) -> None:
    """Print one line per job.

    Args:
        place: The installation.
        kind: Only of this kind, if it is said.
        state: Only in this state, if it is said.
        last: How many.
        json: Whether to print one JSON document.
    """
    wanted: dict[str, Any] = {"limit": last, "kind": kind, **({"state": state} if state else {})}
    with _opened(place) as api:
        found = api.jobs.list(**wanted)
    if json:
        emit(found)
        return
    for each in found["jobs"]:
        line(told(each))
    if not found["jobs"]:
        line("There is no such job.")


def told(job: Mapping[str, Any]) -> str:
    """Return a job in one line."""
    why = f"  {' '.join(job['error'].split())}" if job["error"] else ""
    again = f"  again at {job['retry_at'][:19]}" if job["retry_at"] else ""
    return f"{job['job']}  {job['created'][:19]}  {job['kind']:<12} {job['state']:<9}{again}{why}"


def status(place: Place, job: str, *, json: bool) -> None:
    """Print where a job stands.

    Raises:
        MissingError: If there is none of that name.
    """
    with _opened(place) as api:
        found = api.jobs.get(job)
    if json:
        emit(found)
        return
    line(f"{found['job']}: {found['state']}")
    for title, said in (("progress", found["progress"]), ("result", found["result"])):
        if said:
            line(f"{title}: {dumps(said)[:2000]}")
    if found["error"]:
        line(f"error: {found['error']}")


def act(place: Place, job: str, what: str, *, json: bool) -> None:
    """Cancel a job, or have it tried again.

    Raises:
        MissingError: If there is none of that name.
        ConflictError: If its state does not allow that.
    """
    with _opened(place) as api:
        found = api.jobs.cancel(job) if what == "cancel" else api.jobs.retry(job)
    if json:
        emit(found)
    elif what == "cancel" and found["state"] == "running":
        line(f"{found['job']} will be cancelled soon.")
    else:
        line(f"{found['job']}: {found['state']}")


def log(place: Place, job: str, lines: int, *, json: bool) -> None:
    """Print what a job said.

    Raises:
        MissingError: If there is none of that name.
    """
    with _opened(place) as api:
        found = api.jobs.log(job, lines=lines)
    if json:
        emit(found)
        return
    for each in found["lines"]:
        line(f"{each['at'][:19]}  {each['text']}")
    if not found["lines"]:
        line("It said nothing.")


def _opened(place: Place) -> "AbstractContextManager[Client]":
    from beast_ops.client import connect

    return connect(place)
