# SPDX-License-Identifier: Apache-2.0
"""Ask the others for the figures they do not keep, now and then; a scrape asks nobody."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from beast_ops.agent.client import keeper_seen, milestones
from beast_ops.database import FAILURES
from beast_ops.errors import BeastError
from beast_ops.ingest.settings import jobs_file
from beast_ops.jobs.queue import Queue, look
from beast_ops.llm.state import read

from .settings import Surroundings
from .states import States


async def refresh(states: States, around: Surroundings) -> None:
    """Let *states* know how model server, queue and operations are now."""
    if around.models_url is not None:
        states.models = await read(around.models_url)
    states.queue = await asyncio.to_thread(_queue, around)
    states.done = await asyncio.to_thread(_done, around)
    states.keeper_seen = await asyncio.to_thread(_keeper_seen, around)


def _queue(around: Surroundings) -> Queue | None:
    try:
        return look(jobs_file(around.data))
    except FAILURES:
        return None  # busy or damaged, which is the worker's check to say


def _done(around: Surroundings) -> Mapping[str, datetime]:
    try:
        return milestones(around.root, inside=around.inside)
    except BeastError:
        return {}


def _keeper_seen(around: Surroundings) -> datetime | None:
    try:
        return keeper_seen(around.root, inside=around.inside)
    except BeastError:
        return None
