# SPDX-License-Identifier: Apache-2.0
"""Ask NVIDIA's driver what it knows, and print it as JSON; a program of its own, for it may hang.

A call about a lost GPU can wait in the kernel for ever, so nobody makes it in a process that is
needed. Nothing but Python is used: this runs without our packages, too.

The functions, their structures and codes are those of the NVML API Reference (docs.nvidia.com,
"NVML API Reference Manual"). Which ones a driver has depends on its age; each is optional but the
first three. A binding of ten functions is shorter than the checks that the package
`nvidia-ml-py` would want: it raises by code, and loads the library by names of its own.
"""

import ctypes
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

# Where the loader does not find it: WSL 2, NixOS.
LIBRARIES = (
    "libnvidia-ml.so.1",
    "/usr/lib/wsl/lib/libnvidia-ml.so.1",
    "/run/opengl-driver/lib/libnvidia-ml.so.1",
)
VARIABLE = "BEAST_NVML"  # a path of the library, where it lies elsewhere
NAME_BYTES, UUID_BYTES, BUS_BYTES = 96, 96, 16
MOST_DEVICES, MOST_PROCESSES = 128, 1024
SUCCESS, NOT_SUPPORTED = 0, 3
NOT_AVAILABLE = (1 << 64) - 1  # NVML_VALUE_NOT_AVAILABLE: the driver does not know
CELSIUS = 0  # NVML_TEMPERATURE_GPU


class Memory(ctypes.Structure):
    """`nvmlMemory_t`: bytes."""

    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong),
                ("used", ctypes.c_ulonglong))  # fmt: skip


class Utilization(ctypes.Structure):
    """`nvmlUtilization_t`: percent of the last moments."""

    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class Process(ctypes.Structure):
    """`nvmlProcessInfo_t` of the second and third version."""

    _fields_ = (("pid", ctypes.c_uint), ("used", ctypes.c_ulonglong),
                ("instance", ctypes.c_uint), ("compute", ctypes.c_uint))  # fmt: skip


class OldProcess(ctypes.Structure):
    """`nvmlProcessInfo_t` of the first version."""

    _fields_ = (("pid", ctypes.c_uint), ("used", ctypes.c_ulonglong))


class BusInfo(ctypes.Structure):
    """`nvmlPciInfo_t`: where it is plugged in."""

    _fields_ = (("legacy", ctypes.c_char * BUS_BYTES), ("domain", ctypes.c_uint),
                ("bus", ctypes.c_uint), ("device", ctypes.c_uint), ("id", ctypes.c_uint),
                ("subsystem", ctypes.c_uint), ("name", ctypes.c_char * 32))  # fmt: skip


# By version: what it is called, and what it hands back.
LISTS: tuple[tuple[str, type[ctypes.Structure]], ...] = (
    ("_v3", Process),
    ("_v2", Process),
    ("", OldProcess),
)
USES = ("Compute", "Graphics")  # what works through Vulkan counts as graphics


class CallError(Exception):
    """A call did not succeed: which one, and its code; `None` if there is no such call."""

    def __init__(self, call: str, code: int | None) -> None:
        """Remember both."""
        super().__init__(call)
        self.call, self.code = call, code


class Library:
    """The library of the driver."""

    def __init__(self, opened: ctypes.CDLL) -> None:
        """Speak through *opened*."""
        self._opened = opened

    def call(self, name: str, *given: Any) -> None:
        """Call the function *name*; raise `CallError` if it is missing, or does not succeed."""
        code = self.code(name, *given)
        if code != SUCCESS:
            raise CallError(name, code)

    def code(self, name: str, *given: Any) -> int:
        """Return the code of the function *name*; raise `CallError` if it is missing."""
        try:
            function = getattr(self._opened, name)
        except AttributeError:
            raise CallError(name, None) from None
        return int(function(*given))

    def text(self, name: str, size: int, *given: Any) -> str:
        """Return the text that the function *name* writes; it may be anything."""
        room = ctypes.create_string_buffer(size)
        self.call(name, *given, room, ctypes.c_uint(size))
        return room.value.decode(errors="replace").strip()


def opened(names: tuple[str, ...]) -> tuple[Library | None, str]:
    """Return the first library of *names* that can be loaded, or why none can."""
    why = ""
    for name in names:
        try:
            return Library(ctypes.CDLL(name)), ""
        except OSError as failed:
            # That it is nowhere is usual; that it is there and cannot be loaded is not.
            if "No such file" not in str(failed) and "cannot open shared" not in str(failed):
                why = str(failed)
    return None, why


def file_of(maps: Path = Path("/proc/self/maps")) -> str:
    """Return the real path of the library that is loaded; its name ends with its version."""
    with suppress(OSError):
        for line in maps.read_text(errors="replace").splitlines():
            if "libnvidia-ml" in line:
                return line.split(maxsplit=5)[-1]
    return ""


def told(library: Library) -> dict[str, Any]:
    """Return what the driver says of itself and of its devices."""
    found: dict[str, Any] = {"file": file_of(), "devices": []}
    try:
        library.call("nvmlInit_v2")
    except CallError as failed:
        return {**found, "failed": failed.call, "code": failed.code}
    with suppress(CallError):
        found["driver"] = library.text("nvmlSystemGetDriverVersion", NAME_BYTES)
    count = ctypes.c_uint()
    try:
        library.call("nvmlDeviceGetCount_v2", ctypes.byref(count))
    except CallError as failed:
        return {**found, "failed": failed.call, "code": failed.code}
    many = min(count.value, MOST_DEVICES)
    found["devices"] = [device(library, index) for index in range(many)]
    return found


def device(library: Library, index: int) -> dict[str, Any]:
    """Return what the driver says of the device *index*, and at which call it failed, if it did."""
    found: dict[str, Any] = {"index": index}
    handle = ctypes.c_void_p()
    try:
        library.call("nvmlDeviceGetHandleByIndex_v2", ctypes.c_uint(index), ctypes.byref(handle))
        found["name"] = library.text("nvmlDeviceGetName", NAME_BYTES, handle)
        memory = Memory()
        library.call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory))
        found |= {"total": memory.total, "used": memory.used}
    except CallError as failed:
        # One that shares the memory of the host tells nothing of its own, and is well.
        if (failed.call, failed.code) != ("nvmlDeviceGetMemoryInfo", NOT_SUPPORTED):
            found |= {"failed": failed.call, "code": failed.code}
    if handle.value is not None:
        found |= dict(_more(library, handle))
    return found


def _more(library: Library, handle: ctypes.c_void_p) -> Iterator[tuple[str, Any]]:
    """Yield what not every device and driver knows."""
    with suppress(CallError):
        yield "uuid", library.text("nvmlDeviceGetUUID", UUID_BYTES, handle)
    with suppress(CallError):
        bus = BusInfo()
        library.call("nvmlDeviceGetPciInfo_v3", handle, ctypes.byref(bus))
        yield "bus", f"{bus.domain:04x}:{bus.bus:02x}:{bus.device:02x}.0"
    with suppress(CallError):
        busy = Utilization()
        library.call("nvmlDeviceGetUtilizationRates", handle, ctypes.byref(busy))
        yield "busy", busy.gpu
    with suppress(CallError):
        degrees = ctypes.c_uint()
        wanted = ctypes.c_uint(CELSIUS)
        library.call("nvmlDeviceGetTemperature", handle, wanted, ctypes.byref(degrees))
        yield "celsius", degrees.value
    with suppress(CallError):
        mode, pending = ctypes.c_uint(), ctypes.c_uint()
        library.call("nvmlDeviceGetMigMode", handle, ctypes.byref(mode), ctypes.byref(pending))
        yield "mig", bool(mode.value)
    with suppress(CallError):
        yield "holders", [each for use in USES for each in _holders(library, handle, use)]


def _holders(library: Library, handle: ctypes.c_void_p, use: str) -> list[dict[str, Any]]:
    """Return the processes that hold memory of a device for *use*."""
    for version, kind in LISTS:
        name = f"nvmlDeviceGet{use}RunningProcesses{version}"
        try:
            return _listed(library, name, handle, kind)
        except CallError as failed:
            if failed.code is not None:
                raise
    raise CallError(use, None)


def _listed(
    library: Library, name: str, handle: ctypes.c_void_p, kind: type[ctypes.Structure]
) -> list[dict[str, Any]]:
    room = (kind * MOST_PROCESSES)()
    count = ctypes.c_uint(MOST_PROCESSES)
    library.call(name, handle, ctypes.byref(count), room)
    found = room[: min(count.value, MOST_PROCESSES)]
    return [
        {
            "pid": each.pid,
            "bytes": None if each.used == NOT_AVAILABLE else each.used,
            "name": program(each.pid),
        }
        for each in found
    ]


def program(pid: int, processes: Path = Path("/proc")) -> str:
    """Return what the program of the process *pid* is called; nothing if that is not known."""
    try:
        first = (processes / str(pid) / "cmdline").read_bytes().partition(b"\0")[0]
    except OSError:
        return ""
    return os.path.basename(first).decode(errors="replace")  # noqa: PTH119 - of bytes


def main() -> int:  # pragma: no cover - in a process of its own, which ends as no other does
    """Print what the driver says; return the exit code."""
    given = os.environ.get(VARIABLE)
    library, why = opened((given,) if given else LIBRARIES)
    if library is None:
        json.dump({"library": False, "why": why}, sys.stdout)
        return 0
    json.dump({"library": True, **told(library)}, sys.stdout)
    sys.stdout.flush()
    # The end of the driver is not waited for: it may hang as well, and all was said.
    os._exit(0)


if __name__ == "__main__":  # pragma: no cover - likewise
    sys.exit(main())
