# SPDX-License-Identifier: Apache-2.0
"""Print what the registry knows of models, and carry it elsewhere."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from beast_ops.errors import UsageError
from beast_ops.files import write_atomically
from beast_ops.place import Place

from .models import size
from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.models.entry import Entry, Instance
    from beast_ops.models.recommend import Pick

GIGA, MEGA, THOUSAND = 1e9, 1e6, 1000
MOST_GIGA = 1e6
READABLE_MODE = 0o644


def search(place: Place, text: str, options: dict[str, Any], *, json: bool) -> int:
    """Print the models that fit; return 1 if there is none.

    Args:
        place: The installation.
        text: Words that they must have.
        options: `family`, `tag`, `max_gb` and `limit`.
        json: Whether for machines.
    """
    from beast_ops.models.entry import Family
    from beast_ops.models.find import Wanted
    from beast_ops.models.registry import as_json, open_registry

    family = _one_of("family", options["family"], get_args(Family))
    tags = tuple(each.strip() for each in options["tag"] if each.strip())
    most, limit = giga_bytes(options["max_gb"]), _limit(options["limit"])
    with open_registry(place) as registry:
        found = registry.search(Wanted(text, family, tags, most, limit=limit))
    if json:
        emit({"models": [as_json(entry) for entry in found]})
    else:
        for entry in found:
            line(told(entry))
        if not found:
            line("There is no such model in the registry.")
    return 0 if found else 1


def show(place: Place, name: str, *, json: bool) -> None:
    """Print all that is known of one model, each value with its source.

    Raises:
        MissingError: If it is not known.
    """
    from beast_ops.models.registry import as_json, open_registry

    with open_registry(place) as registry:
        entry = registry.get(name)
        instances = registry.instances(entry.id)
    if json:
        emit({"model": as_json(entry), "instances": [asdict(each) for each in instances]})
        return
    for text in _page(entry, instances):
        line(text)


def recommend(place: Place, task: str, options: dict[str, Any], *, json: bool) -> int:
    """Print which models to take for *task* and why; return 1 if there is none.

    Raises:
        UsageError: If there is no such task, or a limit is no number.
    """
    from beast_ops.models.entry import Task
    from beast_ops.models.recommend import Asked
    from beast_ops.models.recommend import recommend as choose
    from beast_ops.models.registry import as_json, open_registry

    known = _one_of("task", task, get_args(Task))
    most, limit = giga_bytes(options["max_gb"]), _limit(options["limit"])
    asked = Asked(known, most, _number("min-rating", options["min_rating"]), limit)  # type: ignore[arg-type] # it is one of them
    with open_registry(place) as registry:
        here = {each.model for each in registry.instances()}
        advice = choose(registry.all(), asked, here)
    if json:
        picks = [
            {
                "model": as_json(pick.entry),
                "size": pick.size and pick.size.model_dump(),
                "why": list(pick.why),
            }
            for pick in advice.picks
        ]
        emit({"task": task, "models": picks, "passed_over": advice.passed_over})
    else:
        _advise(advice.picks, advice.passed_over)
    return 0 if advice.picks else 1


def export(place: Place, file: str, *, everything: bool) -> None:
    """Write the models that were registered here as JSON into *file*, or print them."""
    from beast_ops.models.portable import export as write
    from beast_ops.models.registry import open_registry

    with open_registry(place) as registry:
        content = write(registry, everything=everything)
    if file:
        write_atomically(Path(file), content, READABLE_MODE)
        line(f"{file} is written.")
    else:
        sys.stdout.write(content.decode())


def bring_in(place: Place, file: str, *, json: bool) -> None:
    """Register the models of the JSON document *file*.

    Raises:
        UsageError: If it cannot be read, or is no such document.
    """
    from beast_ops.models.portable import bring_in as read
    from beast_ops.models.registry import open_registry

    try:
        content = Path(file).read_bytes()
    except OSError as failed:
        raise UsageError(f"cannot be read: {failed.strerror}", subject=file) from failed
    with open_registry(place) as registry:
        count = read(registry, content, file)
    if json:
        emit({"registered": count})
    else:
        line(f"{count} models are registered.")


def told(entry: "Entry") -> str:
    """Return a model in one line."""
    known = entry.size
    bytes_ = "" if known is None else size(known)
    parameters = "" if entry.parameters is None else short_count(entry.parameters)
    words = " ".join((*entry.tasks, *entry.tags))
    text = f"{entry.id:<32} {parameters:>6} {bytes_:>9}  {entry.family:<9} {words}"
    return f"{text}  {entry.license}".rstrip()


def short_count(count: int) -> str:
    """Return a number of parameters for people."""
    return f"{count / GIGA:.3g}B" if count >= GIGA else f"{count / MEGA:.3g}M"


def giga_bytes(text: str) -> int | None:
    """Return the GB in *text* as bytes; `None` if it is empty.

    Raises:
        UsageError: If that is no number above 0.
    """
    number = _number("max-gb", text)
    if number is None:
        return None
    if not 0 < number <= MOST_GIGA:
        raise UsageError("must be a number of GB above 0", subject=f"--max-gb {text}"[:100])
    return round(number * GIGA)


def _number(name: str, text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise UsageError("must be a number", subject=f"--{name} {text}"[:100]) from None


def _limit(count: int) -> int:
    if not 0 < count <= THOUSAND:
        raise UsageError(f"must be between 1 and {THOUSAND}", subject=f"--limit {count}")
    return count


def _one_of(kind: str, value: str, known: Sequence[str]) -> str:
    if value and value not in known:
        raise UsageError(
            f"there is no such {kind}", subject=value[:100], hint=f"Known: {', '.join(known)}."
        )
    return value


def _page(entry: "Entry", instances: "Iterable[Instance]") -> Iterable[str]:
    yield f"{entry.id}  {entry.name}".rstrip()
    values = entry.model_dump(exclude={"id", "name", "sizes", "sources", "source", "scores"})
    for name, value in values.items():
        if value not in ("", None, ()):
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else value
            yield _valued(name, shown, entry.sources.get(name, ""))
    for name, score in entry.scores.items():
        yield _valued(name, score, entry.sources.get(f"scores.{name}", ""))
    for each in entry.sizes:
        yield _valued(each.quantization or "as pulled", size(each.bytes), each.source)
    for there in instances:
        yield f"  here: {there.path}, {size(there.bytes)}"


def _valued(name: str, value: object, source: str) -> str:
    return f"  {name}: {value}" + (f"  ({source})" if source else "")


def _advise(picks: "Iterable[Pick]", passed_over: dict[str, int]) -> None:
    for place, pick in enumerate(picks, start=1):
        line(f"{place}. {pick.entry.id}")
        for why in pick.why:
            line(f"   {why}")
    if passed_over:
        line("Passed over: " + ", ".join(f"{n} {why}" for why, n in passed_over.items()) + ".")
