# SPDX-License-Identifier: Apache-2.0
"""Whether a model server has the models it shall have."""

from beast_ops.models.names import full, missing

from .model import Finding, Status
from .sight import Sight


async def models(sight: Sight) -> Finding:
    """Return whether the model server has the models that its card names, or any if it names none.

    One that lacks some is of use all the same; only where it must prove itself it does not pass.
    """
    answer = await sight.json("/api/tags", sight.bearer)
    names = [full(str(model["name"])) for model in answer["models"]]
    lacking = missing(sight.service.models, names)
    details = {
        "address": sight.address,
        "present": True,
        "models": [str(model["name"]) for model in answer["models"]],
        "missing": list(lacking),
    }
    if lacking:
        status = Status.UNHEALTHY if sight.thorough else Status.DEGRADED
        return Finding(status, f"lacks {', '.join(lacking)}. Run: ./beast deploy", details)
    if names:
        return Finding(Status.HEALTHY, f"ready, models: {len(names)}", details)
    return Finding(Status.DEGRADED, "answers, but has no model", details)
