# SPDX-License-Identifier: Apache-2.0
"""Print whether models fit on this host."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from beast_ops.fit.answer import Answer, Wish, plan, room_words, size
from beast_ops.fit.facts import Facts, Load
from beast_ops.fit.plan import Change, Verdict
from beast_ops.place import Place

from .output import emit, line

CODES = {Verdict.FITS: 0, Verdict.CPU: 0, Verdict.NOT: 1, Verdict.UNKNOWN: 3}


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


def words(found: Answer) -> list[str]:
    """Return in words what was found out."""
    lines = [_model(name, facts, found.load) for name, facts in found.models.items()]
    lines += [f"{part.name:<32} {size(part.bytes):>9}" for part in found.room.others]
    lines.append(
        f"Context {found.load.context}, {found.load.parallel} at once, cache in "
        f"{found.load.cache}; {room_words(found.room)}."
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
        (change.without, f"without {change.without} (beast_api_rerank)"),
        (change.quantization, f"weights as {change.quantization}"),
    )
    return ", ".join(text for value, text in said if value is not None)


def _verdict(found: Answer) -> str:
    partly = " and the GPU" if found.room.host.vram else ""
    if found.spread:
        cards, said = len(found.room.host.each), " and ".join(found.spread)
        return f"Fits on the GPUs, with {said} spread over all {cards} of them."
    if found.short == "disk":
        return f"Does not fit on the disk: {size(found.room.host.disk)} are free."
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
    parts = f"weights {size(facts.weights)}, cache {size(cache)}"
    return f"{name:<32} {size(facts.memory(load)):>9}  {parts} ({facts.source})"


def _plain(found: Answer) -> dict[str, Any]:
    return {
        "verdict": found.verdict.value,
        "short": found.short or None,
        "change": None if found.change is None else asdict(found.change),
        "spread": list(found.spread),
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
