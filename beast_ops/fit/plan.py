# SPDX-License-Identifier: Apache-2.0
"""Judge whether models fit on a host, and find the cheapest change that makes them fit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import product

from .facts import BITS, F16, MIB, Q8_0, Facts, Load, shrunk
from .host import Host

LEAST_CONTEXT = 2048  # below, a question and its passages find no room
SYSTEM = 512 * MIB  # for the kernel and whoever logs in: an assumption


class Verdict(Enum):
    """Whether it fits: in the memory of GPUs, with that of the machine, or not at all."""

    FITS = "fits"
    CPU = "fits-on-cpu"
    NOT = "does-not-fit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """Something else that takes *bytes* of memory."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Room:
    """Where models have to fit.

    Attributes:
        host: What the machine has.
        others: What else is to find room in its memory.
        limit: The most bytes of the machine's memory that the model server may take.
    """

    host: Host
    others: tuple[Part, ...] = ()
    limit: int | None = None

    @property
    def ram(self) -> int | None:
        """Bytes of the machine's memory that are left for models, if that is known."""
        if self.host.ram is None:
            return None
        left = max(0, self.host.ram - SYSTEM - sum(part.bytes for part in self.others))
        return left if self.limit is None else min(left, self.limit)


@dataclass(frozen=True, slots=True)
class Change:
    """What would have to be different; `None` is what may stay."""

    parallel: int | None = None
    context: int | None = None
    cache: str | None = None
    without: str | None = None
    quantization: str | None = None

    @property
    def kinds(self) -> tuple[bool, ...]:
        """What it changes, the dearest last."""
        said = (self.parallel, self.context, self.cache, self.without, self.quantization)
        return tuple(each is not None for each in said)


def judge(models: Sequence[Facts], load: Load, room: Room) -> tuple[Verdict, str]:
    """Return whether *models*, all in memory at once, fit; and what is short, if something is."""
    new = sum(each.weights for each in models if not each.here)
    if room.host.disk is not None and new > room.host.disk + room.host.begun:
        return Verdict.NOT, "disk"
    needs = [each.memory(load) for each in models]
    least = sum(
        each.weights if need is None else need for each, need in zip(models, needs, strict=True)
    )
    certain = None not in needs
    vram, ram = room.host.vram, room.ram
    if certain and placed(models, load, room.host.each) is not None:
        return Verdict.FITS, ""
    if certain and ram is not None and least <= ram + (vram or 0):
        return Verdict.CPU, "vram" if vram else ""
    if vram is not None and ram is not None and least > ram + vram:
        return Verdict.NOT, "memory"
    return Verdict.UNKNOWN, ""


def placed(
    models: Sequence[Facts], load: Load, cards: Sequence[int]
) -> Mapping[str, tuple[int, ...]] | None:
    """Return on which of *cards* each of *models* is, by its name; nothing if some are on none.

    A model is on one card if it fits there, else on all of them, each with buffers of its own.
    The largest is placed first, where the least room is left. So does Ollama, which looks at
    what is free at that moment, and spreads every model where OLLAMA_SCHED_SPREAD is set.

    Args:
        models: All that are to be in memory at once.
        load: How they are used; what they take has to be known.
        cards: The bytes of each.
    """
    free, found = list(cards), dict[str, tuple[int, ...]]()
    for each in sorted(models, key=lambda one: -(one.memory(load) or one.weights)):
        need = each.memory(load) or each.weights
        fit = [at for at, room in enumerate(free) if room >= need]
        if fit and not load.spread:
            best = min(fit, key=lambda at: free[at])
            free[best] -= need
            found[each.name] = (best,)
            continue
        need += each.buffers * (len(free) - 1)
        total = sum(free)
        if not free or total < need:
            return None
        free = [room - need * room // total for room in free]
        found[each.name] = tuple(range(len(free)))
    return found


def cheapest(
    models: Sequence[Facts], load: Load, room: Room, spare: Sequence[str] = ()
) -> Change | None:
    """Return the cheapest change that makes *models* fit better than they do.

    Settings cost less than another download, one less than two; fewer requests at once less than
    a smaller context, that less than a coarser cache, that less than to do without a model.

    Args:
        models: All that are to be in memory at once.
        load: How they are used.
        room: Where they have to fit.
        spare: The names of those one can do without, such as what orders passages anew.
    """
    now, _ = judge(models, load, room)
    better = {Verdict.FITS}
    if now is Verdict.NOT:
        better.add(Verdict.CPU)
    elif now is not Verdict.CPU or not room.host.vram:
        return None
    for change in sorted(_changes(load, spare), key=_price):
        smaller, way = _changed(models, load, change)
        if smaller is not None and judge(smaller, way, room)[0] in better:
            return change
    return None


def _changes(load: Load, spare: Sequence[str]) -> Iterator[Change]:
    caches = [None, Q8_0] if load.cache == F16 else [None]
    for said in product(
        [None, *_halves(load.parallel, 1)],
        [None, *_halves(load.context, LEAST_CONTEXT)],
        caches,
        [None, *spare],
        [None, *BITS],
    ):
        yield Change(*said)


def _halves(count: int, least: int) -> Iterator[int]:
    while (count := count // 2) >= least:
        yield count


def _price(change: Change) -> tuple[bool, int, int, tuple[int, ...]]:
    kinds = change.kinds
    dearest = max((rank for rank, is_changed in enumerate(kinds) if is_changed), default=-1)
    bits = list(BITS).index(change.quantization) if change.quantization else -1
    far = (bits, -(change.context or 0), -(change.parallel or 0))
    return kinds[-1], sum(kinds), dearest, far


def _changed(
    models: Sequence[Facts], load: Load, change: Change
) -> tuple[list[Facts] | None, Load]:
    """Return *models* and *load* as they would be; no models if none would be smaller."""
    way = Load(
        change.context or load.context,
        change.parallel or load.parallel,
        change.cache or load.cache,
        load.spread,
    )
    models = [each for each in models if each.name != change.without]
    if change.quantization is None:
        return models, way
    sizes = [shrunk(each, change.quantization) for each in models]
    if not any(sizes):
        return None, way
    return [
        each if size is None else replace(each, weights=size, here=False)
        for each, size in zip(models, sizes, strict=True)
    ], way
