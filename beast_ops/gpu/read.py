# SPDX-License-Identifier: Apache-2.0
"""Ask the drivers of this host what they know, within a deadline, whatever they do."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from beast_ops.errors import BusyError, CommandError, SlowError

from . import amd, nvidia
from .child import Child
from .model import Reading, Trouble

SCRIPT = Path(__file__).with_name("nvml.py")
SECONDS = 8.0  # eight GPUs that nobody keeps awake take some
CHILD = Child()


def read(base: Path = Path("/"), seconds: float = SECONDS, child: Child = CHILD) -> Reading:
    """Return what the drivers say; without a GPU that is nothing.

    Args:
        base: The root of the file system.
        seconds: How long NVIDIA's driver may take.
        child: Runs what asks it.
    """
    if sys.platform != "linux":
        return Reading()
    devices, troubles = amd.read(base)
    try:
        said = json.loads(child.run([sys.executable, "-IS", str(SCRIPT)], seconds))
        found = nvidia.devices(said)
        shown = nvidia.signs(base)
        return Reading(
            devices=(*found, *devices),
            troubles=(*nvidia.troubles(said, shown), *troubles),
            driver=_driver(said, shown),
        )
    except (SlowError, BusyError) as late:
        trouble = Trouble(kind="hangs", message=f"NVIDIA's driver does not answer: {late}")
    except CommandError as failed:
        trouble = Trouble(kind="failed", message=f"NVIDIA's library broke off: it {failed}")
    except (ValueError, KeyError, TypeError, AttributeError, ValidationError):
        trouble = Trouble(kind="failed", message="NVIDIA's library says what makes no sense")
    return Reading(devices=tuple(devices), troubles=(trouble, *troubles))


def _driver(said: dict[str, Any], shown: nvidia.Signs) -> str:
    return str(said.get("driver") or shown.version)
