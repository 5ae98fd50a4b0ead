# SPDX-License-Identifier: Apache-2.0
"""Run all checks at once: the whole takes as long as the slowest, never as long as the sum."""

import asyncio
import threading
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError

from .model import Check, Finding, Report, Status

SECONDS = 5.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at.

    Attributes:
        name: What the check is called.
        look: Does the looking; may raise, which is then the finding.
        seconds: How long it may take.
        late: What it means if that was not enough.
    """

    name: str
    look: Callable[[], Awaitable[Finding]]
    seconds: float = SECONDS
    late: Status = Status.UNHEALTHY


async def run(probes: Iterable[Probe], clock: Clock = SYSTEM) -> Report:
    """Look at everything at once and return what was found, in the order of *probes*."""
    now = clock.now()
    checks = await asyncio.gather(*(_check(probe, clock) for probe in probes))
    return Report(timestamp=now, checks=tuple(checks))


async def aside(act: Callable[[], Result]) -> Result:
    """Return what the blocking *act* returns, without making anyone else wait for it.

    The thread is a daemon: a file system that hangs holds up neither the other checks nor the
    end of the program, as the threads of asyncio's own pool would.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, failure: Exception | None) -> None:
        if done.done():
            return  # the deadline was faster
        if failure is not None:
            done.set_exception(failure)
        else:
            done.set_result(result)  # type: ignore[arg-type] # None only if act returns None

    def work() -> None:
        outcome: tuple[Result | None, Exception | None]
        try:
            outcome = act(), None
        except Exception as failure:  # noqa: BLE001 - handed to whoever awaits
            outcome = None, failure
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=work, daemon=True, name="health-aside").start()
    return await done


async def _check(probe: Probe, clock: Clock) -> Check:
    begun = clock.monotonic()
    found = await _find(probe)
    return Check(
        name=probe.name,
        status=found.status,
        message=found.message,
        details=found.details,
        duration_ms=(clock.monotonic() - begun) * 1000,
    )


async def _find(probe: Probe) -> Finding:
    try:
        async with asyncio.timeout(probe.seconds):
            return await probe.look()
    except TimeoutError:
        return Finding(probe.late, f"no answer within {probe.seconds:g} s")
    except BeastError as failed:
        return Finding(Status.UNHEALTHY, failed.paragraph())
    except Exception as unforeseen:  # noqa: BLE001 - an exception in a check is its result
        return Finding(Status.UNKNOWN, f"the check itself failed: {_where(unforeseen)}")


def _where(failure: Exception) -> str:
    """Return kind and place of *failure*, and not its words, which may hold a secret."""
    frames = traceback.extract_tb(failure.__traceback__)
    last = frames[-1]
    return f"{type(failure).__name__} at {PurePath(last.filename).name}:{last.lineno}"
