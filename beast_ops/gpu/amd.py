# SPDX-License-Identifier: Apache-2.0
"""Read what AMD's driver tells of its devices: files that its kernel module makes.

What they hold is said in the kernel's documentation, Documentation/gpu/amdgpu/driver-misc.rst and
thermal.rst: bytes, percent, and thousandths of a degree.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from .model import Device, Trouble

CARDS = "sys/class/drm/card*"
CARD = re.compile(r"card(\d+)")
VENDOR = "0x1002"
COMPUTES = "dev/kfd"  # without it, no program computes on them


def read(base: Path = Path("/")) -> tuple[list[Device], list[Trouble]]:
    """Return the devices that can compute, and what is wrong with others.

    Args:
        base: The root of the file system.
    """
    devices: list[Device] = []
    troubles: list[Trouble] = []
    if not (base / COMPUTES).exists():
        return devices, troubles
    for number, folder in _cards(base):
        try:
            devices.append(_device(number, folder))
        except (OSError, ValueError) as failed:
            words = f"does not tell how much memory it has ({_why(failed)})"
            troubles.append(Trouble(kind="lost", subject=f"card {number}", message=words))
    return devices, troubles


def _cards(base: Path) -> Iterator[tuple[int, Path]]:
    """Yield the number and folder of each card of AMD's that has memory of its own."""
    for path in sorted(base.glob(CARDS)):
        number, folder = CARD.fullmatch(path.name), path / "device"
        tells = (folder / "mem_info_vram_total").exists()
        if number and tells and _text(folder / "vendor") == VENDOR:
            yield int(number[1]), folder


def _device(number: int, folder: Path) -> Device:
    """Return the device below *folder*; memory of the host that it uses counts as used, too."""
    total = int((folder / "mem_info_vram_total").read_text(encoding="ascii"))
    used = int((folder / "mem_info_vram_used").read_text(encoding="ascii"))
    if used < 0:
        raise ValueError("less than nothing is in use")
    busy, degrees = _number(folder / "gpu_busy_percent"), _celsius(folder)
    return Device(
        index=number,
        vendor="amd",
        name=_text(folder / "product_name") or f"AMD {_text(folder / 'device')}".strip(),
        uuid=_text(folder / "unique_id"),
        bus=folder.resolve().name,
        total=total or None,
        used=used + (_number(folder / "mem_info_gtt_used") or 0),
        busy=None if busy is None else min(max(busy, 0), 100) / 100,
        celsius=degrees,
    )


def _celsius(folder: Path) -> int | None:
    found = (_number(path) for path in sorted(folder.glob("hwmon/hwmon*/temp1_input")))
    return next((each // 1000 for each in found if each is not None), None)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _why(failed: Exception) -> str:
    return failed.strerror or "" if isinstance(failed, OSError) else "not a number"
