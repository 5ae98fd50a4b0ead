# SPDX-License-Identifier: Apache-2.0
"""How far the stages of an ingestion are, as a block that moves on a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

PRECISE = 10  # per second; a slower rate has a decimal
WIDE = 60  # columns; below it a share stands for the counts


def live(stream: TextIO) -> Live:
    """Return a block on *stream* that leaves nothing behind when it stops."""
    console = Console(file=stream, force_terminal=True, highlight=False)
    return Live(
        console=console,
        transient=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )


def block(sentence: str, stages: Sequence[Mapping[str, Any]], width: int) -> RenderableType:
    """Return *sentence* and a line for each of *stages*, for a terminal of *width* columns.

    Args:
        sentence: How far the whole is.
        stages: As the progress of a job has them; none if it has no stages.
        width: How many columns there are.
    """
    # Cropped, not with an ellipsis: a terminal under LANG=C could not show one.
    head = Text(sentence, no_wrap=True, overflow="crop")
    if not stages:
        return head
    table = Table.grid(padding=(0, 2))
    rows = [(_wide if width >= WIDE else _narrow)(each) for each in stages]
    for place in range(len(rows[0])):
        table.add_column(justify="left" if place == 0 else "right", no_wrap=True, overflow="crop")
    for row in rows:
        table.add_row(*row)
    return Group(head, table)


def _wide(stage: Mapping[str, Any]) -> tuple[str, ...]:
    of = "?" if stage["of"] is None else f"{stage['of']:,}"
    return (
        f"  {stage['stage']}",
        f"{stage['done']:,}",
        f"of {of} {stage['unit']}",
        *_pace(stage),
    )


def _narrow(stage: Mapping[str, Any]) -> tuple[str, ...]:
    of = stage["of"]
    share = "?" if of is None else f"{min(1.0, stage['done'] / of) if of else 1.0:.0%}"
    return (stage["stage"], share, *_pace(stage))


def _pace(stage: Mapping[str, Any]) -> tuple[str, str]:
    eta = stage["eta"]
    left = "" if eta is None else "done" if eta == 0 else f"{_clock(eta)} to go"
    rate = stage["rate"]
    return f"{rate:,.0f}/s" if rate >= PRECISE else f"{rate:.1f}/s", left


def _clock(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
