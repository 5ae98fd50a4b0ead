# SPDX-License-Identifier: Apache-2.0
"""What a job says of the source that it was to read; pure."""

from dataclasses import replace

from beast_ops.jobs.model import Job, State

from .model import Source, Stage

NO_PASSAGES = "it has no text that could be found"


def outcome(source: Source, job: Job) -> Source:
    """Return *source* as its *job* left it; as it is while the job has not ended."""
    if job.state is State.DONE:
        return _done(source, job)
    if job.state is State.FAILED:
        return _failed(source, job.error or "")
    if job.state is State.CANCELLED:
        return _failed(source, "the job that was to read it was cancelled; add it again")
    return source


def _done(source: Source, job: Job) -> Source:
    lines = (job.result or {}).get("results") or ()
    for line in lines:
        if not line["ok"]:
            return _failed(source, str(line["error"]))
        count = int(line["chunks"])
        note = str(line.get("note") or "") or ("" if count else NO_PASSAGES)
        return replace(source, stage=Stage.READY, passages=count, reason=note)
    return _failed(source, "it was not read")


def _failed(source: Source, reason: str) -> Source:
    return replace(source, stage=Stage.FAILED, reason=reason)
