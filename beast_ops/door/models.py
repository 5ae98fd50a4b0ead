# SPDX-License-Identifier: Apache-2.0
"""Print the models of the model server, and how one is fetched or deleted."""

import sys
from collections.abc import Mapping
from typing import Any

from beast_ops.place import Place

from .output import emit, line

GIGA, MEGA = 1e9, 1e6


def listed(place: Place, *, json: bool) -> None:
    """Print one line per model."""
    from beast_ops.client import connect

    with connect(place) as api:
        found = api.models.list()
    if json:
        emit(found)
        return
    for each in found["models"]:
        line(told(each))
    if not found["models"]:
        line("There is no model yet. Fetch one: ./beast models.pull llama3.2:3b")


def told(model: Mapping[str, Any]) -> str:
    """Return a model in words."""
    details = " ".join(filter(None, (model["family"], model["parameters"], model["quantization"])))
    text = f"{model['name']:<32} {size(model['bytes']):>9}  {details:<24}"
    return f"{text}  {_memory(model['memory'])}".rstrip()


def _memory(memory: Mapping[str, Any] | None) -> str:
    if memory is None:
        return ""
    share = round(memory["gpu_share"] * 100)
    where = {0: "on the processor", 100: "on the GPU"}.get(share, f"{share} % on the GPU")
    return f"in memory, {size(memory['bytes'])}, {where}"


def pull(place: Place, name: str, *, force: bool = False, json: bool) -> None:
    """Fetch a model, and say how far it is meanwhile.

    Args:
        place: The installation.
        name: The model.
        force: Whether to fetch it even if it cannot fit.
        json: Whether for machines.

    Raises:
        ServiceError: If it could not be had.
        UnavailableError: If there is no model server.
    """
    from beast_ops.client import connect
    from beast_ops.ingest.show import Progress
    from beast_ops.jobs.client import wait

    with connect(place) as api, Progress(sys.stderr, words=far) as progress:
        job = api.models.pull(model=name, force=force)["job"]
        again = f"Go on with: ./beast models.pull {name}"
        done = wait(lambda: api.jobs.get(job), progress, again)
    if json:
        emit(done)
        return
    line(f"{done['model']}: {size(done['bytes'])} fetched, {done['seconds']:.1f} s.")


def far(progress: Mapping[str, Any]) -> str:
    """Return in words how far a model is."""
    if "model" not in progress:
        return "waiting for the worker"
    if not progress["total"]:
        return f"{progress['model']}: {progress['status'] or 'asking for it'}"
    percent = progress["completed"] * 100 // progress["total"]
    return f"{progress['model']}: {percent} % of {size(progress['total'])}"


def remove(place: Place, name: str, *, json: bool) -> None:
    """Delete a model.

    Raises:
        MissingError: If there is none of that name.
    """
    from beast_ops.client import connect

    with connect(place) as api:
        done = api.models.delete(name)
    if json:
        emit(done)
        return
    line(f"{done['deleted']} is deleted.")


def size(count: int) -> str:
    """Return *count* bytes for people."""
    return f"{count / GIGA:.1f} GB" if count >= GIGA else f"{count / MEGA:.1f} MB"
