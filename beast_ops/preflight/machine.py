# SPDX-License-Identifier: Apache-2.0
"""Whether the machine itself will do: its processor, its clock, its GPU."""

from __future__ import annotations

import ctypes
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from .finding import Finding

PROCESSORS = {"x86_64", "amd64", "aarch64", "arm64"}
SKEW_SECONDS = 30.0
UNSYNCHRONISED = 5  # TIME_ERROR of adjtimex(2)
TIMEX_BYTES = 512  # more than its structure takes anywhere; all zero asks and sets nothing
TOOLKIT = ("nvidia-ctk", "nvidia-container-runtime-hook", "nvidia-container-cli")
NVIDIA = "0x10de"  # among the vendors of PCI
DISPLAY = "0x03"  # among the classes of PCI
CLOCK = "Let the machine keep its clock right: apt install systemd-timesyncd"


def check_processor(name: str = "") -> Iterator[Finding]:
    """Refuse a processor that the images are not made for."""
    found = name or platform.machine()
    if found.lower() not in PROCESSORS:
        yield Finding(
            "processor-unsupported",
            f"The processor is of the kind {found}; the images are made for x86_64 and aarch64.",
            "Take another machine.",
        )


def check_clock(asked: float | None, now: float, *, kept: bool) -> Iterator[Finding]:
    """Warn of a clock that is wrong, or that nobody keeps right.

    Args:
        asked: What the clock said where this was asked, a moment ago.
        now: What it says here.
        kept: Whether something keeps it right.
    """
    skew = 0.0 if asked is None else now - asked
    if abs(skew) > SKEW_SECONDS:
        yield Finding(
            "clock-wrong",
            f"The clock of this machine is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}; "
            "certificates, logins and alerts depend on it.",
            CLOCK,
            blocks=False,
        )
    elif not kept:
        yield Finding(
            "clock-unkept", "Nothing keeps the clock of this machine right.", CLOCK, blocks=False
        )


def clock() -> float:
    """Return what the clock says."""
    return time.time()


def is_kept() -> bool:
    """Return whether the kernel says that something keeps the clock right; or does not tell."""
    try:
        found = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX_BYTES))
    except (OSError, AttributeError):
        return True
    return bool(found != UNSYNCHRONISED)


def check_gpu(wanted: bool, base: Path = Path("/")) -> Iterator[Finding]:  # noqa: FBT001 - what the wish says
    """Warn of an NVIDIA GPU that containers cannot use; *base* is the root of the file system."""
    if not wanted:
        return
    driver = (base / "dev/nvidiactl").exists() or (base / "proc/driver/nvidia/version").exists()
    if driver and not any(map(shutil.which, TOOLKIT)):
        yield Finding(
            "gpu-without-toolkit",
            "There is an NVIDIA GPU, but containers cannot use it; models will run on the CPU.",
            "Install the package nvidia-container-toolkit from NVIDIA's repository, then deploy "
            "again.",
            blocks=False,
        )
    elif not driver and _has_nvidia(base):
        yield Finding(
            "gpu-without-driver",
            "There is an NVIDIA GPU without its driver; models will run on the CPU.",
            "Install the driver (550 or newer) and the package nvidia-container-toolkit.",
            blocks=False,
        )


def _has_nvidia(base: Path) -> bool:
    """Return whether there is a GPU of NVIDIA's; without any driver it is no card, but a device."""
    cards = base.glob("sys/class/drm/card*/device")
    devices = base.glob("sys/bus/pci/devices/*")
    displays = (each for each in devices if _told(each / "class").startswith(DISPLAY))
    return any(_told(each / "vendor") == NVIDIA for each in (*cards, *displays))


def _told(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
