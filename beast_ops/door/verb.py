# SPDX-License-Identifier: Apache-2.0
"""A verb: an Invoke task that also knows its examples and how its words are read."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from invoke.exceptions import Exit
from invoke.parser.argument import Argument
from invoke.tasks import Task

from beast_ops.errors import BeastError


@dataclass(frozen=True, slots=True)
class Manner:
    """How the words after a verb become its arguments, beyond what Invoke can say."""

    example: str
    many: str = ""
    """The positional that may be repeated; it arrives as a tuple."""
    joined: str = ""
    """The positional whose words are joined by spaces, leading dashes included."""
    rest: str = ""
    """The option that takes every word the verb does not know; it arrives as a tuple."""
    optional: tuple[str, ...] = ()
    """Options that may be given as a bare word, too."""
    short: Mapping[str, str] = field(default_factory=dict)
    """Single letters and the options they stand for."""
    there: bool = False
    """Whether `--inventory` runs it on the host of that inventory."""
    terminal: str = ""
    """The option that says on that host what our terminal says here."""
    interrupted: str = "Run the same command again."
    """What to do after Ctrl-C."""


class Verb(Task[Callable[..., Any]]):
    """A task of Invoke with a `Manner`."""

    def __init__(self, body: Callable[..., Any], manner: Manner, **settings: Any) -> None:
        """Wrap *body*; *settings* are those of Invoke's `task`."""
        iterable = list(settings.pop("iterable", ()))
        if manner.rest:
            iterable.append(manner.rest)
        super().__init__(
            _guarded(body, manner), auto_shortflags=False, iterable=iterable, **settings
        )
        self.manner = manner

    def arg_opts(self, name: str, default: Any, taken_names: set[str]) -> dict[str, Any]:
        """Describe an argument as Invoke does, with a tuple as default meaning a list."""
        default = list(default) if isinstance(default, tuple) else default
        return super().arg_opts(name, default, taken_names)

    def get_arguments(  # Invoke's own signature
        self,
        ignore_unknown_help: bool | None = None,  # noqa: FBT001 - as Invoke calls it
    ) -> list[Argument]:
        """Return fresh arguments; Invoke would forget their help the second time."""
        kept = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help=ignore_unknown_help)
        finally:
            self.help = kept


def verb(example: str, **settings: Any) -> Callable[[Callable[..., Any]], Verb]:
    """Make a function a verb.

    The function's exit code is what it returns (nothing means 0); a `BeastError` it raises
    becomes its paragraph and its exit code, under `invoke` as well.

    Args:
        example: A line that works, shown by `--help`.
        settings: Fields of `Manner`; all others go to Invoke's `task`.
    """
    ours = {name: settings.pop(name) for name in Manner.__slots__ if name in settings}

    def make(body: Callable[..., Any]) -> Verb:
        return Verb(body, Manner(example, **ours), **settings)

    return make


def _guarded(body: Callable[..., Any], manner: Manner) -> Callable[..., Any]:
    @functools.wraps(body)
    def guarded(*args: Any, **kwargs: Any) -> None:
        for name in (manner.many, manner.rest):
            if name in kwargs:
                given = kwargs[name]
                kwargs[name] = (given,) if isinstance(given, str) else tuple(given)
        try:
            code = body(*args, **kwargs)
        except BeastError as wrong:
            raise Exit(wrong.paragraph(), wrong.exit_code) from wrong
        if code:
            raise Exit(code=code)

    return guarded
