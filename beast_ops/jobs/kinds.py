# SPDX-License-Identifier: Apache-2.0
"""The kinds of jobs there are: a line each, and a file elsewhere with what runs them.

What makes a handler is named, not imported: only the worker loads it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .model import Lane

if TYPE_CHECKING:
    from beast_ops.ingest.settings import Surroundings

    from .worker import Bounded, Handler

HOUR_SECONDS, WEEK_SECONDS = 3600.0, 7 * 86_400.0
Publish = Callable[..., object]
QUICK = "quick"  # what people wait for; kinds that nobody knows fail here, too


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of jobs.

    Attributes:
        name: As it stands in the table.
        maker: `module:name` of what makes its handler from the worker's surroundings.
        lane: Jobs of one lane run one after the other, lanes beside each other.
        seconds: How long one attempt may take.
        attempts: How often it is tried in all when it fails for a reason that may pass.
        every: How many seconds after the last one the next is added by itself; never if nothing.
        quiet: Whether nobody needs to hear of it unless it fails.
    """

    name: str
    maker: str
    lane: str = QUICK
    seconds: float = HOUR_SECONDS
    attempts: int = 1
    every: float | None = None
    quiet: bool = False


KINDS = (
    Kind("ingest", "beast_ops.ingest.run:handler", seconds=WEEK_SECONDS),
    # What takes hours must not hold up what comes in meanwhile.
    Kind("reembed", "beast_ops.ingest.reembed:Reembedding", "long", WEEK_SECONDS),
    Kind("noop", "beast_ops.jobs.noop:handler", quiet=True),
    Kind(
        "housekeeping",
        "beast_ops.jobs.housekeeping:handler",
        attempts=3,
        every=HOUR_SECONDS,
        quiet=True,
    ),
    Kind("transform", "beast_ops.notebooks.transform:Transforming", "writing", attempts=3),
    # It reads alone, and what it asked until it was killed is asked again.
    Kind("evaluate", "beast_ops.evals.job:Evaluating", "writing", attempts=3),
    Kind("agent", "beast_ops.tasks.job:Working", "tasks", attempts=3),
    Kind("model_pull", "beast_ops.models.job:Pulling", "models", 6 * HOUR_SECONDS, attempts=5),
)


def _nobody(name: str, **data: Any) -> object:
    """Tell nobody."""
    return name, data


def lanes(kinds: tuple[Kind, ...] = KINDS) -> dict[str, Lane]:
    """Return what each lane takes, by its name; the quick one takes all that no other does."""
    found: dict[str, tuple[str, ...]] = {QUICK: ()}
    for kind in kinds:
        found[kind.lane] = (*found.get(kind.lane, ()), kind.name)
    elsewhere = tuple(each.name for each in kinds if each.lane != QUICK)
    return {
        name: Lane(but=elsewhere) if name == QUICK else Lane(only=taken)
        for name, taken in found.items()
    }


def lane_of(kind: str, kinds: tuple[Kind, ...] = KINDS) -> str:
    """Return the lane that takes jobs of *kind*."""
    return next((each.lane for each in kinds if each.name == kind), QUICK)


def handlers(
    around: "Surroundings", lane: str, publish: Publish = _nobody
) -> "Mapping[str, Bounded]":
    """Return what runs the jobs of *lane* within its bounds, by kind.

    Args:
        around: What the worker works with.
        lane: The lane.
        publish: Told of what happens.
    """
    return {each.name: _bounded(each, around, publish) for each in KINDS if each.lane == lane}


def _bounded(kind: Kind, around: "Surroundings", publish: Publish) -> "Bounded":
    from .told import telling
    from .worker import Bounded

    tell = telling(publish, quiet=kind.quiet)
    handler = _maker(kind)(around)
    tidy = getattr(handler, "tidy", lambda: None)
    return Bounded(handler, kind.seconds, kind.attempts, tidy, kind.every, tell)


def _maker(kind: Kind) -> "Callable[[Any], Handler]":
    module, _, name = kind.maker.partition(":")
    found: Callable[[Any], Handler] = getattr(import_module(module), name)
    return found
