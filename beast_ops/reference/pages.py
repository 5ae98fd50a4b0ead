# SPDX-License-Identifier: Apache-2.0
"""Each page of `docs/reference/` as text; pure, so that a test can say whether one is stale."""

import inspect
import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from beast_ops import errors
from beast_ops.cards import Services
from beast_ops.declared import Setting, declared
from beast_ops.errors import BeastError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
WRITTEN = "<!-- Written from the code by: python -m beast_ops.reference -->"
PIPE = ("|", "\\|")  # ends a cell, even in code
EXIT_CODES = {
    0: "done",
    1: "failed",
    64: "wrong usage or configuration",
    75: "temporary; the same command may work if typed again",
}


def pages(clone: Path) -> dict[str, str]:
    """Return every page by file name.

    Raises:
        BeastError: If a role's declaration cannot be read.
    """
    return {
        "errors.md": errors_page(),
        "services.schema.json": schema(),
        "settings.md": settings_page(declared(clone).values()),
    }


def schema() -> str:
    """Return the JSON schema of services.json."""
    found = {"$schema": DIALECT, **Services.model_json_schema()}
    return f"{json.dumps(found, indent=2, sort_keys=True)}\n"


def settings_page(settings: Iterable[Setting]) -> str:
    """Return all *settings*, by the role that owns them."""
    lines = [
        WRITTEN,
        "",
        "# Settings",
        "",
        "Set one with `./beast deploy --set name=value`, or in an inventory.",
        "The settings of an installation itself have no default here: its inventory says them.",
    ]
    ordered = sorted(settings, key=lambda setting: (setting.role != "project", setting.role))
    for role, owned in groupby(ordered, key=lambda setting: setting.role):
        title = "The installation" if role == "project" else f"`{role}`"
        lines += ["", f"## {title}", "", "| setting | type | default | meaning |"]
        lines += ["| --- | --- | --- | --- |", *map(row, owned)]
    return "\n".join([*lines, ""])


def row(setting: Setting) -> str:
    """Return *setting* as a row of a table."""
    kind = " or ".join(f"`{choice}`" for choice in setting.choices) or setting.type
    default = "" if setting.default is None else f"`{json.dumps(setting.default)}`"
    cells = (f"`{setting.name}`", kind, default, setting.description)
    return f"| {' | '.join(cell.replace(*PIPE) for cell in cells)} |"


def errors_page() -> str:
    """Return every class of errors with its paragraph, and the exit codes."""
    lines = [
        WRITTEN,
        "",
        "# Errors and exit codes",
        "",
        "| exit code | meaning |",
        "| --- | --- |",
        *(f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items()),
        "",
        "`health` has its own: 0 healthy, 1 degraded, 2 unhealthy, 3 unknown.",
        "",
        "The library raises one tree of errors; all can be imported from `beast_ops`.",
    ]
    for kind in tree(BeastError):
        parent = kind.__bases__[0].__name__
        place = "" if kind is BeastError else f" A kind of `{parent}`."
        lines += ["", f"## {kind.__name__}", "", f"{inspect.getdoc(kind)}{place}"]
        lines += [f"Exit code: {kind.exit_code}."]
    return "\n".join([*lines, ""])


def tree(kind: type[BeastError]) -> Iterator[type[BeastError]]:
    """Yield *kind* and all below it, in the order of the drawing in `errors`."""
    yield kind
    for child in sorted(kind.__subclasses__(), key=lambda child: child.__name__):
        if child.__module__ == errors.__name__:
            yield from tree(child)
