# SPDX-License-Identifier: Apache-2.0
"""What the API does together with other processes, and by Valkey where there is one."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager

from beast_ops import valkey
from beast_ops.database import FAILURES
from beast_ops.events.outbox import events_file
from beast_ops.ingest.intake import Intake
from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.ringing import RingingTable, ringing

from .settings import Surroundings

LOG = logging.getLogger("beast.api")
RECONCILE_SECONDS = 60.0


def valkey_of(around: Surroundings) -> valkey.Valkey | None:
    """Return the Valkey of this process, if it has one; raises as `beast_ops.valkey.at` does."""
    return valkey.at(around.queue_url, around.queue_key)


@contextmanager
def work(around: Surroundings) -> Iterator[tuple[Intake, RingingTable]]:
    """Open what adds jobs, and wakes the workers then if there is something to do it by."""
    with (
        ringing(valkey_of(around)) as ring,
        closing(Intake(around.data, ring=ring)) as intake,
        RingingTable(jobs_file(around.data), ring) as jobs,
    ):
        yield intake, jobs


def beside(
    around: Surroundings, jobs: RingingTable, news: Callable[[], None]
) -> Iterator[Coroutine[None, None, None]]:
    """Yield what runs beside the routes where there is a Valkey.

    Args:
        around: Where the things of this process are.
        jobs: The job table.
        news: Told when an event came from elsewhere.
    """
    if (through := valkey_of(around)) is not None:
        from beast_ops.events.stream import Relay

        yield Relay(through, events_file(around.data), news).run()
        yield _reconcile(jobs)


async def _reconcile(jobs: RingingTable) -> None:
    """Ring once a minute for what could run and does not."""
    while True:
        await asyncio.sleep(RECONCILE_SECONDS)
        try:
            await asyncio.to_thread(jobs.reconcile)
        except (OSError, *FAILURES) as failed:
            LOG.debug("nobody is woken: %s", failed)
