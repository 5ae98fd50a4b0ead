# SPDX-License-Identifier: Apache-2.0
"""Which GPUs there were since this machine was started: one that is gone meanwhile was lost.

Nobody takes a card out of a running machine; who takes it out starts the machine anew, and what
is there then is all that is expected.
"""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from beast_ops.files import write_atomically

from .model import Device, Reading, Trouble

BOOT = Path("/proc/sys/kernel/random/boot_id")
NAME = "gpus.json"
MODE = 0o644


def compared(reading: Reading, folder: Path, boot: Path = BOOT) -> Reading:
    """Return *reading* with a trouble for each GPU that is gone, and remember those that are there.

    Args:
        reading: What the drivers say now.
        folder: Where it is remembered; where that cannot be, nothing is known.
        boot: Tells which start of the machine this is.
    """
    started = _text(boot)
    before = _known(folder / NAME, started)
    now = _named(reading.devices)
    if set(now) - set(before):
        with suppress(OSError):  # somebody else's installation, which its owner looks at
            content = {"boot": started, "devices": {**before, **now}}
            write_atomically(folder / NAME, json.dumps(content).encode(), MODE)
    if reading.troubles:
        return reading  # which says why one is not there
    gone = tuple(
        Trouble(
            kind="lost", subject=name, message="was there since this machine started, and is gone"
        )
        for mark, name in sorted(before.items())
        if mark not in now
    )
    return reading.model_copy(update={"troubles": gone})


def _named(devices: Iterable[Device]) -> dict[str, str]:
    return {each.uuid: f"GPU {each.index} ({each.name})" for each in devices if each.uuid}


def _known(path: Path, started: str) -> Mapping[str, str]:
    try:
        said = json.loads(path.read_bytes())
        if started and said["boot"] == started:
            return {str(mark): str(name) for mark, name in said["devices"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        pass  # of before there was one; what is damaged is made anew
    return {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
