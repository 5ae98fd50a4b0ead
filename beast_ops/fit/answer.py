# SPDX-License-Identifier: Apache-2.0
"""Whether models fit on the host of an installation, and who refuses to fetch one that cannot."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.errors import BeastError, MissingError, PreflightError, UsageError
from beast_ops.models.entry import Entry
from beast_ops.models.names import full
from beast_ops.place import Place

from .facts import Facts, Load
from .host import Host, here
from .known import facts_in, facts_of, known
from .plan import Change, Room, Verdict, cheapest, judge, placed
from .server import Know, gather
from .standing import Standing, standing
from .standing import load as usage

if TYPE_CHECKING:
    from beast_ops.models.registry import Registry

GIGA = 1e9
MOST_CONTEXT, MOST_PARALLEL = 16_777_216, 1024
FREE = "Free some space, choose a smaller model, or fetch it all the same: {}"

Look = Callable[[Standing], Host]
"""Tells what the host of the models has."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the words of the verb ask for; 0 leaves it to the installation."""

    models: tuple[str, ...]
    context: int = 0
    parallel: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found out.

    Attributes:
        models: What is known of each.
        load: How they are used.
        room: Where they have to fit.
        verdict: Whether they do.
        short: What is too small, if something is: `disk`, `memory` or `vram`.
        change: The cheapest change that makes them fit better.
        spread: Those that are spread over several GPUs.
    """

    models: Mapping[str, Facts | None]
    load: Load
    room: Room
    verdict: Verdict
    short: str = ""
    change: Change | None = None
    spread: tuple[str, ...] = ()


def look(around: Standing) -> Host:
    """Return what this host has; nothing of the models' host if that is another one."""
    return here(around.stores) if around.local else Host()


def plan(place: Place, wish: Wish, look: Look = look) -> Answer:
    """Return whether the models of *wish* fit.

    The model that orders passages anew counts, too, if it is known, and can be done without.

    Args:
        place: The installation.
        wish: Which models, and how they are to be used.
        look: Tells what their host has.

    Raises:
        UsageError: If no model is named, a file cannot be read, or a number makes no sense.
        ModelError: If a file is no model.
    """
    for option, count, most in (
        ("--context", wish.context, MOST_CONTEXT),
        ("--parallel", wish.parallel, MOST_PARALLEL),
    ):
        if not 0 <= count <= most:
            raise UsageError(f"from 1 to {most}", subject=f"{option} {count}")
    around = standing(place)
    names = wish.models or around.wanted
    if not names:
        raise UsageError("no model is named", hint="Such as: ./beast fit --model llama3.1:8b")
    beside = (around.reranker,) if around.reranker else ()
    found = gather(around.url, (*names, *beside), registered(place))
    spare = [name for name in map(full, beside) if name not in map(full, names)]
    for name in spare:
        if found[name] is None:
            del found[name]
    return _judged(around, wish, found, [name for name in spare if name in found], look(around))


def registered(place: Place) -> Know:
    """Return what tells what the registry of the installation knows of a model, or the catalogue.

    What lies in a folder tells by its file what nobody registered.
    """

    def know(name: str) -> Facts | None:
        from beast_ops.models.registry import Registry, registry_file

        path, said = registry_file(place.models), known(name)
        if said is not None or not path.is_file():  # a look makes no file
            return said
        with suppress(BeastError, OSError), Registry(path) as registry:
            entry = _entry(registry, name)
            for each in registry.instances(entry.id):
                if each.path.lower().endswith(".gguf"):
                    return facts_in(Path(each.path))
            return facts_of(entry)
        return None

    return know


def _entry(registry: "Registry", name: str) -> Entry:
    """Return the model *name*; files in folders have no tags."""
    try:
        return registry.get(name)
    except MissingError:
        return registry.get(name.removesuffix(":latest"))


def _judged(
    around: Standing,
    wish: Wish,
    models: Mapping[str, Facts | None],
    spare: list[str],
    host: Host,
) -> Answer:
    usual = usage(around.settings, host.vram)
    load = Load(
        wish.context or usual.context, wish.parallel or usual.parallel, usual.cache, usual.spread
    )
    room = Room(host, around.others, around.limit)
    facts = [each for each in models.values() if each is not None]
    verdict, short = judge(facts, load, room)
    if len(facts) < len(models) and verdict is not Verdict.NOT:
        return Answer(models, load, room, Verdict.UNKNOWN)
    where = (placed(facts, load, host.each) or {}) if verdict is Verdict.FITS else {}
    spread = tuple(name for name, cards in where.items() if len(cards) > 1)
    change = cheapest(facts, load, room, spare)
    return Answer(models, load, room, verdict, short, change, spread)


def each(place: Place, entries: Iterable[Entry], look: Look = look) -> dict[str, Answer]:
    """Return for each of *entries* whether it alone would fit, by id; the host is read once.

    Args:
        place: The installation.
        entries: Models that are not here yet.
        look: Tells what their host has.
    """
    around = standing(place)
    host = look(around)
    found = {}
    for entry in entries:
        facts = facts_of(entry)
        found[entry.id] = _judged(around, Wish((entry.id,)), {entry.id: facts}, [], host)
    return found


def refuse(place: Place, name: str, way: str, look: Look = look) -> None:
    """Refuse the model *name* if nothing but another model would fit.

    What is not known refuses nothing. Nor does what other services may take at most, for they may
    take less; and what is in memory can be swapped out, which Ollama counts on.

    Args:
        place: The installation.
        name: The model.
        way: How to fetch it all the same.
        look: Tells what its host has.

    Raises:
        PreflightError: If it cannot fit.
    """
    found = plan(place, Wish((name,)), look)
    facts = found.models.get(full(name))
    if facts is None:
        return
    host = found.room.host
    most = replace(host, ram=None if host.ram is None else host.ram + host.swap)
    room = Room(most, (), found.room.limit)
    verdict, short = judge([facts], found.load, room)
    change = cheapest([facts], found.load, room)
    if verdict is not Verdict.NOT or (change is not None and change.quantization is None):
        return
    hint = FREE.format(way)
    if short == "disk":
        words = f"takes {size(facts.weights)} on the disk, where {size(host.disk)} are free"
        raise PreflightError(words, subject=facts.name, hint=hint)
    needed = facts.memory(found.load) or facts.weights
    words = f"takes {size(needed)} of memory; {room_words(room)}"
    raise PreflightError(words, subject=facts.name, hint=hint)


def room_words(room: Room) -> str:
    """Return in words how much memory there is for models."""
    host = room.host
    gpu = "no GPU" if host.vram == 0 else f"{size(host.vram)} on GPUs"
    return f"{size(room.ram)} of {size(host.ram)} memory are left for models, {gpu}"


def size(count: int | None) -> str:
    """Return *count* bytes for people."""
    return "?" if count is None else f"{count / GIGA:.2f} GB"
