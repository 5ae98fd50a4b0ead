# SPDX-License-Identifier: Apache-2.0
"""Whether the host is big enough for what its containers may take, and what is to be pulled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from .finding import Finding, Wish
from .place import free_mib, memory_mib, nearest
from .reference import read
from .sizes import image_mib, model_mib

GPUS = ("dev/nvidiactl", "dev/kfd", "dev/dxg")
SPARE = 1.2  # what is estimated may be wrong by so much


def check_limits(wish: Wish, source: Path) -> Iterator[Finding]:
    """Refuse a limit that is more than all memory; warn when all limits together are.

    *source* is /proc/meminfo.
    """
    total = memory_mib(source, "MemTotal")
    if total is None:
        return
    for service, limit in sorted(wish.limits.items()):
        if limit > total:
            yield Finding(
                "memory-limit",
                f"{service} may take {limit} MiB of memory; this machine has {total} MiB.",
                f"Lower it: ./beast deploy --set {wish.setting(service, 'memory_mib')}=NUMBER",
            )
    together = sum(wish.limits.values())
    if together > total:
        yield Finding(
            "memory-overcommitted",
            f"All services together may take {together} MiB of memory; this machine has {total} "
            "MiB.",
            "Lower the limits of those that need less (settings that end in _memory_mib), or "
            "expect that the kernel ends one of them when all are busy.",
            blocks=False,
        )


def check_models(wish: Wish, source: Path, base: Path = Path("/")) -> Iterator[Finding]:
    """Warn of models that are bigger than the memory they may have.

    With a GPU nothing is told: how much memory that has is not known here.

    Args:
        wish: What is wanted.
        source: /proc/meminfo.
        base: The root of the file system.
    """
    total = memory_mib(source, "MemTotal")
    if total is None or any((base / sign).exists() for sign in GPUS):
        return
    room = total if wish.model_limit is None else min(total, wish.model_limit)
    for name, need in sorted(wish.model_memory.items()):
        if need > room:
            yield Finding(
                "model-too-large",
                f"The model {name} takes about {need} MiB of memory; it may have {room} MiB.",
                f"Choose a smaller one, or see what would help: ./beast fit --model {name}",
                blocks=False,
            )


class Need(NamedTuple):
    """What is to be written somewhere: words for it, and how much it is."""

    words: str
    place: Path
    mib: int


def check_store(wish: Wish, images: Path, present: set[str]) -> Iterator[Finding]:
    """Refuse to pull what there is no room for.

    Args:
        wish: What is wanted.
        images: Where the engine keeps images.
        present: The images that are there already.
    """
    needs = list(_needs(wish, images, present))
    for device in sorted({_device(need.place) for need in needs}):
        here = [need for need in needs if _device(need.place) == device]
        free, total = free_mib(here[0].place), sum(need.mib for need in here)
        if free is not None and free < total * SPARE:
            kinds = " and ".join(need.words for need in here)
            yield Finding(
                f"disk-{here[0].words}",
                f"{free} MiB are free at {here[0].place}; the {kinds} that are to be pulled take "
                f"about {total} MiB.",
                "Free some space there, or ask for less: fewer services, smaller models. "
                "If you know better, say so in host_image_mib.",
                blocks=free < total,
            )


def _needs(wish: Wish, images: Path, present: set[str]) -> Iterator[Need]:
    missing = sorted({each for each in wish.images if read(each).name not in present})
    if missing:
        total = sum(image_mib(each, wish.image_mib) for each in missing)
        yield Need("images", nearest(images), total)
    root = Path(wish.root)
    wanted = sorted({name for name in wish.models if not _has_model(root, name)})
    if wanted:
        yield Need("models", nearest(root), sum(map(model_mib, wanted)))


def _has_model(root: Path, name: str) -> bool:
    """Return whether the model *name* lies in one of the data folders, as Ollama keeps it."""
    model, tag, _ = read(name)
    kept = f"data/*/*/models/manifests/**/{model}/{tag or 'latest'}"
    try:
        return next(root.glob(kept), None) is not None
    except (OSError, ValueError):
        return False


def _device(place: Path) -> int:
    try:
        return os.stat(place).st_dev  # noqa: PTH116 - a link is what it leads to
    except OSError:
        return 0
