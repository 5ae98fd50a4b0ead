# SPDX-License-Identifier: Apache-2.0
"""Wait for a job through the API; what verbs do that start one."""

from collections.abc import Callable, Mapping
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import ServiceError, UnavailableError

FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS = 0.03, 1.0
SLOWER = 1.5
PATIENCE_SECONDS = 60.0  # killed work is picked up within a minute

Look = Callable[[], Mapping[str, Any]]
Show = Callable[[Mapping[str, Any]], None]
"""Takes how far it is: `phase` (`finding`, `uploading`, `running` or `note`), and with it `done`
and `of`, or what the worker says of its progress, or a `text`."""


def wait(look: Look, show: Show, again: str, clock: Clock = SYSTEM) -> dict[str, Any]:
    """Return the result of a job once it is done.

    Args:
        look: Asks the API where the job stands.
        show: Told from time to time how far it is.
        again: What to do should it fail.
        clock: What time it is.

    Raises:
        ServiceError: If the job failed or was cancelled.
        UnavailableError: If the API does not answer for `PATIENCE_SECONDS`.
    """
    status: Mapping[str, Any]
    pause, heard = FIRST_LOOK_SECONDS, clock.monotonic()
    while True:
        try:
            status = look()
            heard = clock.monotonic()
        except UnavailableError:
            if clock.monotonic() - heard > PATIENCE_SECONDS:
                raise
            status = {"state": "unknown"}
        if status["state"] == "done":
            return dict(status["result"])
        if status["state"] in {"failed", "cancelled"}:
            raise ServiceError(status.get("error") or "the job was cancelled", hint=again)
        show({"phase": "running", **status.get("progress", {})})
        clock.sleep(pause)
        pause = min(pause * SLOWER, LAST_LOOK_SECONDS)
