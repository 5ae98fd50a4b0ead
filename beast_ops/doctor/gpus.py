# SPDX-License-Identifier: Apache-2.0
"""Is what is claimed of GPUs true, and if not, why?"""

from collections.abc import Iterator

from beast_ops.gpu.model import Kind
from beast_ops.health.gpus import look
from beast_ops.health.report import keys_below

from . import table
from .model import Check, Diagnosis, Scene

CHECKS: dict[Kind, Check] = {
    "mismatch": table.GPU_MISMATCH,
    "lost": table.GPU_LOST,
    "hangs": table.GPU_HANGS,
    "driver": table.GPU_DRIVER,
    "failed": table.GPU_FAILED,
    "cut-off": table.GPU_CUT_OFF,
    "fallback": table.GPU_FALLBACK,
    "slow": table.GPU_SLOW,
    "on-cpu": table.GPU_ON_CPU,
    "orphans": table.GPU_ORPHANS,
}


def gpus(scene: Scene) -> Iterator[Diagnosis]:
    """Find GPUs that do not work, and models that are not on the GPU they are said to be on."""
    if scene.services is None:
        return
    for each in look(scene.place, scene.services, keys_below(scene.place.secrets)).troubles:
        about = f"{each.subject}: " if each.subject else ""
        yield CHECKS[each.kind].found(f"{about}{each.message}", each.subject)
