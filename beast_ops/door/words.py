# SPDX-License-Identifier: Apache-2.0
"""Read the words after a verb: a pure function from words and rules to values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from invoke.parser.argument import Argument

from beast_ops.errors import UsageError

from .verb import Manner

HELP = ("-h", "--help")
VERBOSE = ("-v", "--verbose")


@dataclass(slots=True)
class Reading:
    """What was understood so far."""

    values: dict[str, Any] = field(default_factory=dict)
    bare: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)
    help: bool = False
    verbose: bool = False


class Reader:
    """Reads the words of one verb."""

    def __init__(self, verb: str, arguments: Sequence[Argument], manner: Manner) -> None:
        """Learn the options of *verb*."""
        self.verb, self.manner = verb, manner
        self.arguments = list(arguments)
        self.options: dict[str, tuple[Argument, bool]] = {}
        for argument in arguments:
            for name in argument.names:
                self.options[f"--{name}"] = (argument, True)
                if argument.kind is bool and argument.default:
                    self.options[f"--no-{name}"] = (argument, False)
        own = {"v": "verbose"} if "--verbose" in self.options else {}
        for letter, name in {**manner.short, **own}.items():
            self.options[f"-{letter}"] = self.options[f"--{name}"]

    def read(self, words: Sequence[str]) -> Reading:
        """Return what *words* say.

        Raises:
            UsageError: If a word is unknown, a value is missing, wrong or one too many.
        """
        reading = Reading()
        queue = list(words)
        while queue:
            word = queue.pop(0)
            if word == "--":
                (reading.rest if self.manner.rest else reading.bare).extend(queue)
                break
            self._word(word, queue, reading)
        if not reading.help:
            self._positionals(reading)
        return reading

    def _word(self, word: str, queue: list[str], reading: Reading) -> None:
        name, equals, value = word.partition("=")
        if word in HELP:
            reading.help = True
        elif name in self.options:
            self._option(name, value if equals else None, queue, reading)
        elif word in VERBOSE:
            reading.verbose = True
        elif self.manner.rest:
            reading.rest.append(word)
        elif word.startswith("-") and word != "-" and not self._is_query(word):
            raise self._unknown(word)
        else:
            reading.bare.append(word)

    def _option(self, name: str, value: str | None, queue: list[str], reading: Reading) -> None:
        argument, positive = self.options[name]
        if argument.kind is bool:
            if value is not None:
                raise self._usage(f"{name} takes no value")
            reading.values[_key(argument)] = positive
            return
        if value is None:
            if not queue or queue[0].partition("=")[0] in self.options:
                raise self._usage(f"{name} needs a value")
            value = queue.pop(0)
        self._store(argument, value, reading)

    def _store(self, argument: Argument, value: str, reading: Reading) -> None:
        key = _key(argument)
        if argument.kind is list:
            reading.values.setdefault(key, []).append(value)
            return
        try:
            reading.values[key] = argument.kind(value)
        except ValueError:
            raise self._usage(f"{argument.names[0]} must be a number, not {value!r}") from None

    def _positionals(self, reading: Reading) -> None:
        bare = reading.bare
        for argument in self.arguments:
            key = _key(argument)
            takes = argument.positional or key in self.manner.optional
            if not takes or key in reading.values:
                continue
            if key in (self.manner.many, self.manner.joined) and bare:
                reading.values[key] = " ".join(bare) if key == self.manner.joined else tuple(bare)
                bare = []
            elif bare:
                self._store(argument, bare.pop(0), reading)
            elif argument.positional:
                raise self._usage(f"{argument.names[0].upper()} is missing")
        if bare:
            raise self._usage(f"one word too many: {bare[0]!r}")
        if self.manner.rest and reading.rest:
            reading.values.setdefault(self.manner.rest, []).extend(reading.rest)

    def _is_query(self, word: str) -> bool:
        """Return whether *word* belongs to a query although it begins with a dash."""
        return bool(self.manner.joined) and not self._near(word)

    def _near(self, word: str) -> list[str]:
        known = [*self.options, *HELP, *VERBOSE]
        name = word.partition("=")[0]
        return get_close_matches(name, known, n=1, cutoff=0.75) if name.startswith("--") else []

    def _unknown(self, word: str) -> UsageError:
        near = self._near(word)
        guess = f", did you mean {near[0]}?" if near else ""
        hint = " To search for it, put -- before it." if self.manner.joined else ""
        return self._usage(f"no option {word.partition('=')[0]}{guess}", hint)

    def _usage(self, message: str, hint: str = "") -> UsageError:
        help_ = f"For example: {self.manner.example}"
        return UsageError(message, subject=self.verb, hint=f"{help_}.{hint}")


def _key(argument: Argument) -> str:
    return str(argument.name)
