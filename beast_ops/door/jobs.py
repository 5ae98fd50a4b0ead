# SPDX-License-Identifier: Apache-2.0
"""Print the jobs of the worker."""

from collections.abc import Mapping
from json import dumps
from typing import Any
from urllib.parse import quote, urlencode

from beast_ops.place import Place

from .output import emit, line


def listed(place: Place, kind: str, state: str, last: int, *, json: bool) -> None:
    """Print one line per job.

    Args:
        place: The installation.
        kind: Only of this kind, if it is said.
        state: Only in this state, if it is said.
        last: How many.
        json: Whether to print one JSON document.
    """
    wanted = {"limit": last, "kind": kind, **({"state": state} if state else {})}
    found = _ask(place, "GET", f"?{urlencode(wanted)}")
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
    found = _ask(place, "GET", f"/{quote(job, safe='')}")
    if json:
        emit(found)
        return
    line(f"{found['job']}: {found['state']}")
    for title in ("progress", "result"):
        if found[title]:
            line(f"{title}: {dumps(found[title])[:2000]}")
    if found["error"]:
        line(f"error: {found['error']}")


def act(place: Place, job: str, what: str, *, json: bool) -> None:
    """Cancel a job, or have it tried again.

    Raises:
        MissingError: If there is none of that name.
        ConflictError: If its state does not allow that.
    """
    found = _ask(place, "POST", f"/{quote(job, safe='')}/{what}")
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
    found = _ask(place, "GET", f"/{quote(job, safe='')}/log?lines={lines}")
    if json:
        emit(found)
        return
    for each in found["lines"]:
        line(f"{each['at'][:19]}  {each['text']}")
    if not found["lines"]:
        line("It said nothing.")


def _ask(place: Place, method: str, path: str) -> Any:
    from beast_ops.api.client import connect

    with connect(place) as api:
        return api.call(method, f"/jobs{path}")
