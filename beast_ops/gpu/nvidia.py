# SPDX-License-Identifier: Apache-2.0
"""Make devices and troubles of what NVIDIA's driver says, and of what the kernel shows of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .codes import MISMATCH, NOT_FOUND, meaning
from .model import Device, Holder, Trouble

VENDOR, DISPLAY = "0x10de", "0x03"  # among the vendors and the classes of PCI
# Whose the card is on purpose: a guest's, or a screen's.
OTHERS = frozenset({"vfio-pci", "pci-stub", "pciback", "nouveau"})
VERSION = re.compile(r"\b\d{3,}\.\d+(?:\.\d+)?\b")
LIBRARY = re.compile(r"libnvidia-ml\.so\.(\d{3,}\.\d+(?:\.\d+)?)$")
NOT_LOADED = 9

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Signs:
    """What the kernel shows of NVIDIA's devices.

    Attributes:
        version: The version of the driver it has loaded, if it has.
        cards: How many devices are plugged in that are nobody else's.
    """

    version: str = ""
    cards: int = 0


def signs(base: Path = Path("/")) -> Signs:
    """Return what the kernel shows; *base* is the root of the file system."""
    line = _text(base / "proc/driver/nvidia/version").partition("\n")[0]
    found = VERSION.search(line)
    folders = base.glob("sys/bus/pci/devices/*")
    return Signs(found[0] if found else "", sum(map(_is_ours, folders)))


def _is_ours(folder: Path) -> bool:
    if _text(folder / "vendor") != VENDOR or not _text(folder / "class").startswith(DISPLAY):
        return False
    driver = folder / "driver"
    return not (driver.exists() and driver.resolve().name in OTHERS)


def devices(said: Said) -> list[Device]:
    """Return the devices that answered."""
    return [_device(each) for each in said.get("devices", ()) if "failed" not in each]


def troubles(said: Said, shown: Signs) -> Iterator[Trouble]:
    """Yield what is wrong.

    Args:
        said: What the driver says, as `nvml` prints it.
        shown: What the kernel shows.
    """
    if not said.get("library"):
        yield from _without_library(said, shown)
        return
    failed = "failed" in said
    if failed and not _is_absent(said, shown):
        yield _trouble(said, "", _versions(said, shown))
    for each in said.get("devices", ()):
        if "failed" in each:
            yield _trouble(each, f"GPU {each['index']}", "")
    if not failed and not said.get("devices") and shown.cards:
        yield Trouble(kind="lost", message="a GPU is plugged in that the driver does not see")
    library = _library(said)
    if not failed and library and shown.version and library != shown.version:
        yield Trouble(
            kind="mismatch", message=f"the driver works still, but {_versions(said, shown)}"
        )


def _without_library(said: Said, shown: Signs) -> Iterator[Trouble]:
    if said.get("why"):
        yield Trouble(kind="failed", message=f"NVIDIA's library cannot be loaded: {said['why']}")
    elif shown.cards:
        loaded = f"driver {shown.version}" if shown.version else "no driver"
        words = f"there is a GPU of NVIDIA with {loaded}, and without the library libnvidia-ml.so.1"
        yield Trouble(kind="driver", message=words)


def _is_absent(said: Said, shown: Signs) -> bool:
    """Return whether there is simply no GPU: a disk image may serve hosts with and without."""
    return not shown.cards and said.get("code") in {NOT_FOUND, NOT_LOADED}


def _trouble(said: Said, subject: str, more: str) -> Trouble:
    code = said.get("code")
    if code is None:
        return Trouble(kind="failed", subject=subject, message=f"has no call {said['failed']}")
    kind, words = meaning(code)
    tail = f"; {more}" if more and code == MISMATCH else ""
    return Trouble(kind=kind, subject=subject, message=f"{words} (NVML {code}){tail}")


def _versions(said: Said, shown: Signs) -> str:
    return (
        f"the kernel has {shown.version or 'another'}, the library is {_library(said) or 'unknown'}"
    )


def _library(said: Said) -> str:
    found = LIBRARY.search(str(said.get("file") or ""))
    return found[1] if found else ""


def _device(said: Said) -> Device:
    total, used, busy = said.get("total"), said.get("used"), said.get("busy")
    if not total or used is None or used > total:
        total = used = None  # a device that has none of its own, or whose driver is mistaken
    holders = said.get("holders")
    return Device(
        index=said["index"],
        vendor="nvidia",
        name=str(said.get("name") or ""),
        uuid=str(said.get("uuid") or ""),
        bus=str(said.get("bus") or ""),
        total=total,
        used=used,
        busy=None if busy is None else min(busy, 100) / 100,
        celsius=said.get("celsius"),
        mig=bool(said.get("mig")),
        holders=None if holders is None else _holders(holders),
    )


def _holders(said: list[Said]) -> tuple[Holder, ...]:
    """Return each process once: one that both computes and draws stands in both lists."""
    found: dict[int, Holder] = {}
    for each in said:
        holder = Holder(pid=each["pid"], bytes=each["bytes"], name=each["name"])
        known = found.get(holder.pid)
        if known is None or (holder.bytes or 0) > (known.bytes or 0):
            found[holder.pid] = holder
    return tuple(found.values())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
