# SPDX-License-Identifier: Apache-2.0
"""Show a report to a human: coloured columns on a terminal, plain ones elsewhere."""

import shutil
import sys
from io import StringIO

from .model import Report, Status

_COLOURS = {
    Status.HEALTHY: "green",
    Status.DEGRADED: "yellow",
    Status.UNHEALTHY: "bold red",
    Status.UNKNOWN: "magenta",
}
_HEAD = ("CHECK", "STATUS", "MESSAGE", "MS")


def table(report: Report, *, terminal: bool | None = None) -> str:
    """Return *report* as text of several lines.

    Args:
        report: What was found.
        terminal: Whether it goes to a terminal; asked of standard output if left out.
    """
    on_terminal = sys.stdout.isatty() if terminal is None else terminal
    rows = [
        (check.name, check.status, visible(check.message), f"{check.duration_ms:.0f}")
        for check in report.checks
    ]
    body = _coloured(rows) if on_terminal else _plain(rows)
    return f"{body}\nOverall: {report.status}"


def visible(text: str) -> str:
    """Return *text* with every character that could steer a terminal shown as its escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def _plain(rows: list[tuple[str, Status, str, str]]) -> str:
    lines = [_HEAD, *rows]
    name, status = (max(len(line[column]) for line in lines) for column in (0, 1))
    return "\n".join(f"{a:<{name}}  {b:<{status}}  {d:>5}  {c}" for a, b, c, d in lines)


def _coloured(rows: list[tuple[str, Status, str, str]]) -> str:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # No box: its lines are not ASCII, and a terminal under LANG=C could not show them.
    columns = Table(box=None, pad_edge=False, header_style="bold")
    for title in _HEAD:
        columns.add_column(title, justify="right" if title == "MS" else "left")
    for name, status, message, duration in rows:
        columns.add_row(Text(name), Text(status, _COLOURS[status]), Text(message), duration)
    out = StringIO()
    width = shutil.get_terminal_size().columns
    Console(file=out, force_terminal=True, width=width).print(columns)
    return out.getvalue().rstrip("\n")
