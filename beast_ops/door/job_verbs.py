# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `jobs`: one short function each."""

from typing import Any

from beast_ops.door.verb import verb

_JSON = "print one JSON document, for machines"
_ID = "its id, as jobs.list has it"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast jobs.list --state failed",
    name="list",
    there=True,
    short={"n": "last"},
    help={
        "kind": "only of this kind, such as ingest or model_pull",
        "state": "only in this state: held, ready, running, done, failed, cancelled",
        "last": "how many, newest first",
        "json": _JSON,
    },
)
def list_(
    _context: Any, *, kind: str = "", state: str = "", last: int = 20, json: bool = False
) -> None:
    """Show the jobs of the worker, newest first."""
    from beast_ops.door.jobs import listed

    listed(_place(), kind, state, last, json=json)


@verb("./beast jobs.status ID", there=True, help={"job": _ID, "json": _JSON})
def status(_context: Any, job: str, *, json: bool = False) -> None:
    """Show where a job stands, and what it came to."""
    from beast_ops.door.jobs import status as show

    show(_place(), job, json=json)


@verb("./beast jobs.cancel ID", there=True, help={"job": _ID, "json": _JSON})
def cancel(_context: Any, job: str, *, json: bool = False) -> None:
    """Cancel a job: at once if it waits, soon if it runs."""
    from beast_ops.door.jobs import act

    act(_place(), job, "cancel", json=json)


@verb("./beast jobs.retry ID", there=True, help={"job": _ID, "json": _JSON})
def retry(_context: Any, job: str, *, json: bool = False) -> None:
    """Let a job that failed or was cancelled be tried again."""
    from beast_ops.door.jobs import act

    act(_place(), job, "retry", json=json)


@verb(
    "./beast jobs.log ID",
    there=True,
    short={"n": "lines"},
    help={"job": _ID, "lines": "how many of the last lines", "json": _JSON},
)
def log(_context: Any, job: str, *, lines: int = 100, json: bool = False) -> None:
    """Show what a job said."""
    from beast_ops.door.jobs import log as show

    show(_place(), job, lines, json=json)
