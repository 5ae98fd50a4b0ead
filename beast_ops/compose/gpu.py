# SPDX-License-Identifier: Apache-2.0
"""Find out whether containers can use a GPU of this host, and say how one of them gets it.

What lies below /dev, /proc and /sys tells whose GPU there might be. Whether containers can use
it, only a container can tell: one is run for a moment, of the image that wants it. Whatever
does not work out means that there is none: models run on the CPU then, and nothing fails.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from beast_ops.errors import BeastError, CommandError
from beast_ops.runner import Runner

Kind = Literal["none", "nvidia", "amd"]

NVIDIA_VENDOR, AMD_VENDOR = "0x10de", "0x1002"
NVIDIA_SIGNS = ("dev/nvidiactl", "dev/nvidia0", "proc/driver/nvidia/version", "dev/dxg")
AMD_DEVICES = ("/dev/kfd", "/dev/dri")
ROCM = "-rocm"
PROBE_SECONDS = 60.0  # the first start of a big image on a slow disk
PULL_SECONDS = 3600.0
LABEL = "org.ai-beast.probe=true"
RESERVED = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}


@dataclass(frozen=True, slots=True)
class Signs:
    """What the host shows of GPUs.

    Attributes:
        kind: Whose GPU and driver there seem to be.
        groups: The groups that may use AMD's devices, by number: names differ in containers.
        why: What was found, or what is missing.
    """

    kind: Kind
    groups: tuple[int, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether containers can use a GPU, what Compose is told then, and why."""

    kind: Kind
    why: str
    overlay: dict[str, Any]


def look(base: Path = Path("/")) -> Signs:
    """Return what the host shows of GPUs; *base* is the root of its file system."""
    vendors = set(_vendors(base))
    if any((base / sign).exists() for sign in NVIDIA_SIGNS):
        return Signs("nvidia", why="NVIDIA's driver is loaded")
    kernel, cards = (base / name.lstrip("/") for name in AMD_DEVICES)
    if kernel.exists() and cards.is_dir():
        groups = {path.stat().st_gid for path in (kernel, *cards.glob("renderD*"))}
        return Signs("amd", tuple(sorted(groups)), "AMD's driver is loaded")
    for vendor, name in ((NVIDIA_VENDOR, "NVIDIA"), (AMD_VENDOR, "AMD")):
        if vendor in vendors:
            return Signs("none", why=f"there is a GPU of {name} without its driver for computing")
    return Signs("none", why="there is no GPU")


def _vendors(base: Path) -> Iterator[str]:
    for path in base.glob("sys/class/drm/card*/device/vendor"):
        with suppress(OSError):
            yield path.read_text().strip()


def find(image: str, runner: Runner, base: Path = Path("/")) -> Verdict:
    """Return whether a container of *image*, which is on this host, can use a GPU.

    Args:
        image: The image that wants one.
        runner: Runs the engine's program.
        base: The root of the host's file system.
    """
    signs = look(base)
    if signs.kind == "none":
        return Verdict("none", signs.why, {})
    try:
        overlay = (_nvidia if signs.kind == "nvidia" else _amd)(image, signs, runner)
    except BeastError as failed:
        why = f"{signs.why}, but a container cannot use it: {failed}"
        return Verdict("none", why, {})
    return Verdict(signs.kind, signs.why, overlay)


def overlay(image: str, runner: Runner, base: Path = Path("/")) -> dict[str, Any]:
    """Return what the Compose file says besides of a service of *image*; takes what `find` does."""
    return find(image, runner, base).overlay


def _nvidia(image: str, signs: Signs, runner: Runner) -> dict[str, Any]:
    del signs
    # The toolkit brings this program into the container; the image need not have it.
    told = _probe(runner, image, ["--gpus", "all"], ["nvidia-smi", "--list-gpus"])
    if "GPU " not in told:
        raise CommandError("names no GPU", subject="nvidia-smi")
    return {"deploy": {"resources": {"reservations": {"devices": [dict(RESERVED)]}}}}


def _amd(image: str, signs: Signs, runner: Runner) -> dict[str, Any]:
    groups = [str(number) for number in signs.groups]
    options = [word for path in AMD_DEVICES for word in ("--device", path)]
    options += [word for number in groups for word in ("--group-add", number)]
    _probe(runner, image, options, ["test", "-r", AMD_DEVICES[0], "-a", "-w", AMD_DEVICES[0]])
    return {
        "image": _rocm(image, runner),
        "devices": [f"{path}:{path}" for path in AMD_DEVICES],
        "group_add": groups,
    }


def _rocm(image: str, runner: Runner) -> str:
    """Return the image like *image* that knows AMD's GPUs; it is fetched if it is not here."""
    wanted = image if image.endswith(ROCM) else f"{image.partition('@')[0]}{ROCM}"
    try:
        runner.run(["docker", "image", "inspect", "--format", "{{.Id}}", wanted])
    except BeastError:
        runner.run(["docker", "pull", "--quiet", wanted], seconds=PULL_SECONDS)
    return wanted


def _probe(runner: Runner, image: str, options: Sequence[str], command: Sequence[str]) -> str:
    """Run *command* in a container of *image* that has as few rights as the service will have."""
    name = f"beast-gpu-{secrets.token_hex(4)}"
    program, *words = command
    argv = [
        *("docker", "run", "--rm", "--name", name, "--label", LABEL, "--pull", "never"),
        *("--network", "none", "--read-only", "--cap-drop", "ALL"),
        *("--security-opt", "no-new-privileges"),
        *options,
        *("--entrypoint", program, image, *words),
    ]
    try:
        return runner.run(argv, seconds=PROBE_SECONDS)
    except BaseException:
        with suppress(BeastError):  # it goes by itself unless the time was up
            runner.run(["docker", "rm", "--force", name])
        raise
