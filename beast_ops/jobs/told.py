# SPDX-License-Identifier: Apache-2.0
"""Which events a job becomes."""

from collections.abc import Callable, Mapping
from typing import Any

from beast_ops.tasks.model import event_of

from .model import Job
from .worker import Tell

# What a kind of jobs that is done means to whoever knows nothing of jobs, and what is told of it.
MEANINGS = {
    "ingest": ("rag.ingested", ("collection", "ingested", "failed", "chunks", "seconds")),
    "model_pull": ("model.downloaded", ("model", "bytes", "seconds")),
}
AGENT = "agent"


def telling(publish: Callable[..., object], *, quiet: bool = False) -> Tell:
    """Return what publishes how a job goes; one that is *quiet* only if it fails."""

    def tell(state: str, job: Job, result: Mapping[str, Any]) -> None:
        if quiet and state != "failed":
            return
        publish(f"job.{state}", job=job.id, kind=job.kind)
        if state == "done" and job.kind in MEANINGS:
            name, wanted = MEANINGS[job.kind]
            publish(name, job=job.id, **{each: result[each] for each in wanted if each in result})
        if job.kind == AGENT:
            _tell_of_task(publish, state, job, result)

    return tell


def _tell_of_task(
    publish: Callable[..., object], state: str, job: Job, result: Mapping[str, Any]
) -> None:
    """Tell of a task as the verb that carries one out does; one that is done may have failed."""
    if state == "started":
        publish("agent.task.started", task=job.id)
        return
    name, told = event_of({"task": job.id, "status": state, **result})
    publish(name, **told)
