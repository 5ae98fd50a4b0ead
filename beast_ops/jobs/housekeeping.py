# SPDX-License-Identifier: Apache-2.0
"""The job that tidies up once an hour: jobs and what they said, a day after they ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .table import JobTable
from .worker import Grip, Handler

if TYPE_CHECKING:
    from beast_ops.ingest.settings import Surroundings


def handler(around: "Surroundings") -> Handler:
    """Return what runs such jobs on the table of *around*."""

    def tidy(grip: Grip) -> Mapping[str, Any]:
        with JobTable(around.jobs) as table:
            gone = table.sweep()
        grip.log(f"{len(gone)} jobs forgotten")
        return {"forgotten": len(gone)}

    return tidy
