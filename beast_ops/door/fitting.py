# SPDX-License-Identifier: Apache-2.0
"""Print whether models fit on this host, and refuse to fetch one that cannot."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from beast_ops.errors import PreflightError, UsageError
from beast_ops.fit.facts import Facts, Load
from beast_ops.fit.host import Host, here
from beast_ops.fit.plan import Change, Room, Verdict, cheapest, judge
from beast_ops.fit.server import gather
from beast_ops.fit.standing import Standing, standing
from beast_ops.fit.standing import load as usage
from beast_ops.place import Place

from .output import emit, line

CODES = {Verdict.FITS: 0, Verdict.CPU: 0, Verdict.NOT: 1, Verdict.UNKNOWN: 3}
GIGA = 1e9
MOST_CONTEXT, MOST_PARALLEL = 16_777_216, 1024
FREE = "Free some space, choose a smaller model, or fetch it all the same: --force"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the words of the verb ask for; 0 leaves it to the installation."""

    models: tuple[str, ...]
    context: int = 0
    parallel: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found out."""

    models: Mapping[str, Facts | None]
    load: Load
    room: Room
    verdict: Verdict
    short: str = ""
    change: Change | None = None


def fit(place: Place, wish: Wish, *, json: bool) -> int:
    """Print whether the models of *wish* fit, and return the exit code that says so.

    Raises:
        UsageError: If no model is named, or a number makes no sense.
    """
    found = plan(place, wish)
    if json:
        emit(_plain(found))
    else:
        for text in words(found):
            line(text)
    return CODES[found.verdict]


def plan(place: Place, wish: Wish) -> Answer:
    """Return whether the models of *wish* fit on this host.

    Raises:
        UsageError: If no model is named, or a number makes no sense.
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
    return _judged(around, wish, gather(around.url, names))


def _judged(around: Standing, wish: Wish, models: Mapping[str, Facts | None]) -> Answer:
    host = here(around.stores) if around.local else Host()
    usual = usage(around.settings, host.vram)
    load = Load(wish.context or usual.context, wish.parallel or usual.parallel, usual.cache)
    room = Room(host, around.others, around.limit)
    known = [each for each in models.values() if each is not None]
    verdict, short = judge(known, load, room)
    if len(known) < len(models) and verdict is not Verdict.NOT:
        return Answer(models, load, room, Verdict.UNKNOWN)
    return Answer(models, load, room, verdict, short, cheapest(known, load, room))


def refuse(place: Place, name: str) -> None:
    """Refuse the model *name* if nothing but another model would fit on this host.

    What is not known refuses nothing.

    Raises:
        PreflightError: If it cannot fit.
    """
    found = plan(place, Wish((name,)))
    settings = found.change is not None and found.change.quantization is None
    if found.verdict is not Verdict.NOT or settings:
        return
    facts = next(iter(found.models.values()))
    if facts is None:
        return
    host = found.room.host
    if found.short == "disk":
        raise PreflightError(
            f"takes {_size(facts.weights)} on the disk, where {_size(host.disk)} are free",
            subject=facts.name,
            hint=FREE,
        )
    needed = facts.memory(found.load) or facts.weights
    raise PreflightError(
        f"takes {_size(needed)} of memory; {_room(found.room)}", subject=facts.name, hint=FREE
    )


def words(found: Answer) -> list[str]:
    """Return in words what was found out."""
    lines = [_model(name, facts, found.load) for name, facts in found.models.items()]
    lines += [f"{part.name:<32} {_size(part.bytes):>9}" for part in found.room.others]
    lines.append(
        f"Context {found.load.context}, {found.load.parallel} at once, cache in "
        f"{found.load.cache}; {_room(found.room)}."
    )
    lines.append(_verdict(found))
    if found.change is not None:
        lines.append(f"Cheapest change: {change_words(found.change)}.")
    return lines


def change_words(change: Change) -> str:
    """Return in words what has to be different."""
    said = (
        (change.parallel, f"{change.parallel} at once (ollama_parallel)"),
        (change.context, f"a context of {change.context} (ollama_context_length)"),
        (change.cache, f"a cache in {change.cache} (OLLAMA_KV_CACHE_TYPE, with flash attention)"),
        (change.quantization, f"weights as {change.quantization}"),
    )
    return ", ".join(text for value, text in said if value is not None)


def _verdict(found: Answer) -> str:
    partly = " and the GPU" if found.room.host.vram else ""
    if found.short == "disk":
        return f"Does not fit on the disk: {_size(found.room.host.disk)} are free."
    return {
        Verdict.FITS: "Fits on the GPU.",
        Verdict.CPU: f"Fits on the CPU{partly}.",
        Verdict.NOT: "Does not fit in memory.",
        Verdict.UNKNOWN: "Not known: too little is known of a model or of the host.",
    }[found.verdict]


def _model(name: str, facts: Facts | None, load: Load) -> str:
    if facts is None:
        return f"{name:<32} {'?':>9}  nothing is known of it"
    cache = facts.cache(load)
    parts = f"weights {_size(facts.weights)}, cache {_size(cache)}"
    return f"{name:<32} {_size(facts.memory(load)):>9}  {parts} ({facts.source})"


def _room(room: Room) -> str:
    host = room.host
    gpu = "no GPU" if host.vram == 0 else f"{_size(host.vram)} on GPUs"
    return f"{_size(room.ram)} of {_size(host.ram)} memory are left for models, {gpu}"


def _size(count: int | None) -> str:
    return "?" if count is None else f"{count / GIGA:.2f} GB"


def _plain(found: Answer) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "short": found.short or None,
        "change": None if found.change is None else asdict(found.change),
        "load": asdict(found.load),
        "host": {**asdict(found.room.host), "left": found.room.ram},
        "others": [asdict(part) for part in found.room.others],
        "models": _told(found.models, found.load),
    }


def _told(models: Mapping[str, Facts | None], load: Load) -> Sequence[Mapping[str, Any]]:
    return [
        {"name": name, "known": False}
        if facts is None
        else {
            **asdict(facts),
            "known": True,
            "cache": facts.cache(load),
            "memory": facts.memory(load),
        }
        for name, facts in models.items()
    ]
