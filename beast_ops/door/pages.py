# SPDX-License-Identifier: Apache-2.0
"""The help pages, printed from the verbs themselves."""

import inspect
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from invoke.parser.argument import Argument

from .verb import Verb

GROUPS = {
    "The stack": ("deploy", "plan", "render", "upgrade", "rollback", "down", "eject", "remove"),
    "Is it well": (
        "health",
        "doctor",
        "gpu",
        "audit",
        "drift",
        "status",
        "history",
        "logs",
        "start",
        "stop",
        "restart",
        "support-bundle",
    ),
    "Data": ("backup", "backups", "verify", "restore", "drill", "export", "import"),
    "Documents": ("ingest", "search", "ask", "eval", "reembed", "duplicates", "mirror", "open"),
    "Jobs": ("jobs.list", "jobs.status", "jobs.cancel", "jobs.retry", "jobs.log"),
    "Tasks": ("task", "tasks.list", "tasks.show"),
    "Models": (
        "models.list",
        "models.search",
        "models.recommend",
        "models.show",
        "models.pull",
        "models.rm",
        "models.scan",
        "models.disk",
        "models.versions",
        "models.snapshot",
        "models.rollback",
        "models.forget",
        "models.export",
        "models.import",
        "fit",
        "batch",
        "cache.stats",
        "cache.clear",
    ),
    "Secrets": ("secrets.list", "secrets.show", "secrets.set", "secrets.rotate"),
    "Access": ("tokens.create", "tokens.list", "tokens.revoke"),
    "Alerts": ("alerts.test",),
    "Developers": ("new-service", "test", "lint", "bench", "version"),
    "The lab": ("lab.up", "lab.status", "lab.down"),
}


def welcome() -> str:
    """Return the first steps."""
    return Path(__file__).with_name("welcome.txt").read_text(encoding="utf-8").rstrip()


def overview(verbs: dict[str, Verb]) -> str:
    """Return the page of all verbs, in groups."""
    parts = ["Usage: beast VERB [words and options]"]
    listed = {name for names in GROUPS.values() for name in names}
    others = tuple(name for name in verbs if name not in listed)
    for title, names in {**GROUPS, "More": others}.items():
        rows = [(name, summary(verbs[name])) for name in names if name in verbs]
        if rows:
            parts.append(f"{title}:\n{_columns(rows)}")
    parts.append(
        "Everywhere:\n"
        + _columns(
            [
                ("--help", "say more about a verb, with an example"),
                ("--verbose", "show more, tracebacks included"),
                ("--version", "print the versions"),
                ("--print-completion-script=SHELL", "complete words in bash, zsh or fish"),
            ]
        )
    )
    return "\n\n".join(parts)


def page(name: str, verb: Verb, columns: int = 0) -> str:
    """Return the page of one verb, *columns* wide or as wide as the terminal."""
    arguments = verb.get_arguments()
    usage = " ".join(["beast", name, *(_usage(arguments, verb))])
    parts = [f"Usage: {usage}", inspect.getdoc(verb) or ""]
    rows = [(_flag(argument, verb), argument.help or "") for argument in arguments]
    if verb.manner.there:
        rows.append(("--inventory VALUE", "run it on the host of this inventory"))
    rows.append(("--help, -h", "print this"))
    if not any(argument.name == "verbose" for argument in arguments):
        rows.append(("--verbose, -v", "show tracebacks"))
    parts += [f"Options:\n{_columns(rows, columns)}", f"Example:\n  {verb.manner.example}"]
    return "\n\n".join(parts)


def reference(verbs: dict[str, Verb]) -> str:
    """Return every page as one document in Markdown."""
    parts = ["# The verbs", "Printed by the program itself: `python -m beast_ops.door.reference`."]
    for title, names in GROUPS.items():
        parts.append(f"## {title}")
        parts += [f"### {name}\n\n```text\n{page(name, verbs[name], 90)}\n```" for name in names]
    return "\n\n".join(parts) + "\n"


def summary(verb: Verb) -> str:
    """Return the first sentence of *verb*."""
    return (inspect.getdoc(verb) or "").split("\n", 1)[0].rstrip(".")


def _usage(arguments: Sequence[Argument], verb: Verb) -> Iterable[str]:
    manner = verb.manner
    for argument in arguments:
        word = argument.names[0].upper()
        if argument.name in (manner.many, manner.joined):
            yield f"{word}…"
        elif argument.positional:
            yield word
        elif argument.name in manner.optional:
            yield f"[{word}]"
    yield "[options]"
    if manner.rest:
        yield "[words for the tool]"


def _flag(argument: Argument, verb: Verb) -> str:
    if argument.positional:
        return argument.names[0].upper()
    kind = "" if argument.kind is bool else f" {_value(argument)}"
    no = "[no-]" if argument.kind is bool and argument.default else ""
    short = [letter for letter, name in verb.manner.short.items() if name in argument.names]
    return ", ".join([f"--{no}{argument.names[0]}{kind}", *(f"-{letter}" for letter in short)])


def _value(argument: Argument) -> str:
    if argument.kind is int:
        return "NUMBER"
    return "NAME=VALUE" if argument.name == "set_" else "VALUE"


def _columns(rows: Sequence[tuple[str, str]], columns: int = 0) -> str:
    left = max(len(name) for name, _ in rows) + 4
    width = max(40, min(100, columns or shutil.get_terminal_size().columns) - left)
    lines = []
    for name, text in rows:
        first, *more = textwrap.wrap(text, width) or [""]
        lines.append(f"  {name:<{left - 2}}{first}".rstrip())
        lines += [" " * left + part for part in more]
    return "\n".join(lines)
