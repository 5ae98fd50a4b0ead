# SPDX-License-Identifier: Apache-2.0
"""Who acts on a host when a release is put in force, what for, and what it came to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from beast_ops.clock import SYSTEM, Clock
from beast_ops.health.model import Report
from beast_ops.place import Place

from . import adoption

WAIT_SECONDS = 60.0  # for another operation to end


@dataclass(frozen=True, slots=True)
class Hands:
    """What acts on the host.

    Attributes:
        prepare: Gets ready what a release needs, and has it judged, before anything stops.
        start: Makes the runtime run what the release in force describes; returns what it started.
        stop: Ends everything.
        gate: Judges the services.
        exposed: Says which ports are open to other hosts although nothing declares them.
        boot: Has the stack start with the machine, or not; returns a note for the operator.
        clock: Where time comes from.
        supply: Has the models there that the release in force names.
        settle: Ends what others left half done; whoever holds the installation begins with it.
        behind: Starts, and judges, all but the front door; `None` where that cannot be told apart.
    """

    prepare: Callable[[Place, str], None]
    start: Callable[[Place], set[str]]
    stop: Callable[[Place], None]
    gate: Callable[[Place], Report]
    exposed: Callable[[Place], list[str]]
    boot: Callable[[Place, bool], str]
    clock: Clock = SYSTEM
    supply: Callable[[Place], None] = lambda _: None
    settle: Callable[[Place], object] = adoption.settle
    behind: tuple[Callable[[Place], set[str]], Callable[[Place], Report]] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What putting a release in force came to."""

    release: str
    changed: tuple[str, ...]
    seconds: float
    already: bool = False
    note: str = ""
    checks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Aim:
    """What a release is put in force for.

    Attributes:
        operation: What the receipt calls it.
        details: What the receipt says besides.
        failing: What it says besides if it did not hold.
        shut: Keep the front door shut until everything behind it is proven.
        leave: Ends what did not hold; returns what the receipt says besides, then.
        back: What is to be done once the last proven release is in force again, before it starts.
    """

    operation: str
    details: Mapping[str, Any] = field(default_factory=dict)
    failing: Mapping[str, Any] = field(default_factory=dict)
    shut: bool = False
    leave: Callable[[], Mapping[str, Any]] = dict
    back: Callable[[], None] = lambda: None
