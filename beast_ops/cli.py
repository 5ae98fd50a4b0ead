# SPDX-License-Identifier: Apache-2.0
"""The program behind `./beast`: Invoke's, with words read as an operator types them.

Plain Invoke knows neither optional nor repeated positionals, runs `VERB x --help` as the
verb, exits 1 on wrong usage, and stumbles over a query that begins with a dash.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from invoke.collection import Collection
from invoke.config import Config
from invoke.exceptions import Exit
from invoke.parser.context import ParserContext
from invoke.parser.parser import ParseResult
from invoke.program import Program

from . import __version__
from .door import completion, output, pages
from .door.there import elsewhere
from .door.verb import Verb
from .door.words import Reader, Reading
from .errors import BeastError, UsageError

CLONE = Path(__file__).resolve().parents[1]
SIGNALLED = 128  # and the number of the signal, as shells count
READER_GONE = 141  # 128 and SIGPIPE
AGAIN_SECONDS = 0.05
_VALUED = {"--print-completion-script", "--list-format", "-F"}


class Door(Program):
    """Invoke's program with the words of the verbs read by `Reader`."""

    collection: Collection
    interrupted = ""
    json = verbose = False

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:  # noqa: A002, FBT001, FBT002 - Invoke's signature
        """Do what *argv* says and leave with its exit code (unless *exit* is false)."""
        output.settle_streams()
        _heed_signals()
        code = self._outcome(list(sys.argv if argv is None else argv))
        if exit:
            sys.exit(code)

    def _outcome(self, argv: list[str]) -> int:
        try:
            self._walk(argv)
            sys.stdout.flush()
        except Exit as end:
            return self._ended(end)
        except BeastError as wrong:
            return self._failed(wrong)
        except KeyboardInterrupt as interrupt:
            output.complain(f"interrupted. {self.interrupted}".rstrip())
            return SIGNALLED + (interrupt.args[0] if interrupt.args else signal.SIGINT)
        except BrokenPipeError:
            output.abandon_stdout()
            return READER_GONE
        except Exception as fault:  # noqa: BLE001 - no operator shall see a traceback unasked
            return self._fault(fault)
        return 0

    def _walk(self, argv: list[str]) -> None:
        words = argv[1:]
        self.create_config()
        self.collection = Collection.from_module(import_module("tasks"))
        if words and words[0] == "--complete":
            shown = completion.candidates(words[2:], self._verbs())
            output.line("\n".join(shown))
            return
        if not words:
            output.line(pages.welcome())
            return
        head, tail = _split(words)
        self.parse_core([argv[0], *head])
        if not tail:
            self._without_verb()
        elif self.args.help.value or tail[0] == "help":
            self._help([word for word in tail if word != "help"])
        else:
            self._verb(tail)

    def create_config(self) -> None:
        """Start from Invoke's defaults alone; files of other projects do not concern us."""
        self.config = Config(lazy=True)

    def parse_core(self, argv: list[str] | None) -> None:
        """Read the words before the verb, without switching bytecode off as Invoke does.

        Raises:
            UsageError: If one of them is no option.
        """
        self.normalize_argv(argv)
        self.parse_core_args()
        if self.core.unparsed:
            raise UsageError(f"no option {self.core.unparsed[0]}", hint="See: ./beast --help")
        self.verbose = bool(self.args.debug.value)
        shell = self.args["print-completion-script"].value
        if shell:
            raise Exit(completion.script(shell, CLONE / "beast").rstrip(), 0)

    def _without_verb(self) -> None:
        if self.args.version.value:
            self._verb(["version"])
        elif self.args.list.value:
            self.list_root, self.list_depth = None, self.args["list-depth"].value
            self.list_format = self.args["list-format"].value
            self.scoped_collection = self.collection
            self.list_tasks()
        else:
            output.line(pages.overview(self._verbs()))

    def _help(self, names: Sequence[str]) -> None:
        for name in names:
            output.line(pages.page(*self._find(name)))
        if not names:
            output.line(pages.overview(self._verbs()))

    def _verb(self, words: list[str]) -> None:
        self.json = "--json" in words
        name, verb = self._find(words[0])
        if verb.manner.there and "--inventory" in words:
            raise Exit(code=elsewhere(name, words[1:], verb.manner))
        arguments = verb.get_arguments()
        reading = Reader(name, arguments, verb.manner).read(words[1:])
        if reading.help:
            output.line(pages.page(name, verb))
            return
        self.verbose |= reading.verbose  # a verb's own --verbose asks for more of its own
        self.interrupted = verb.manner.interrupted
        self.tasks = ParseResult([_context(name, verb, reading)])
        self.update_config()
        self.execute()

    def _verbs(self) -> dict[str, Verb]:
        return {name: self.collection[name] for name in self.collection.task_names}

    def _find(self, word: str) -> tuple[str, Verb]:
        verbs = self._verbs()
        name = word.replace("_", "-")
        if name in verbs:
            return name, verbs[name]
        near = get_close_matches(name, verbs, n=1)
        hint = f"Did you mean: ./beast {near[0]}" if near else "All verbs: ./beast --help"
        raise UsageError(f"no verb {word!r}", hint=hint)

    def _ended(self, end: Exit) -> int:
        if isinstance(end.__cause__, BeastError):
            return self._failed(end.__cause__)
        if end.message:
            (output.complain if end.code else output.line)(end.message)
        return end.code

    def _failed(self, wrong: BeastError) -> int:
        if self.verbose or os.environ.get("BEAST_DEBUG"):
            _traceback(wrong)
        if self.json:
            output.emit(output.as_json(wrong))
        output.complain(wrong.paragraph())
        return wrong.exit_code

    def _fault(self, fault: Exception) -> int:
        if self.verbose or os.environ.get("BEAST_DEBUG"):
            _traceback(fault)
        kind = f"{type(fault).__name__}: {fault}"
        hint = "This is a fault of AI Beast itself; run it again with --verbose to see where."
        return self._failed(BeastError(kind, hint=hint))


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Return the words before the verb, and the rest."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        place += 2 if words[place] in _VALUED else 1
    return words[:place], words[place:]


def _context(name: str, verb: Verb, reading: Reading) -> ParserContext:
    """Return the arguments in the form in which Invoke's executor takes them."""
    context = ParserContext(name=name, args=verb.get_arguments())
    for key, value in reading.values.items():
        argument = context.args[key]
        if argument.kind is list:
            for each in value:
                argument.set_value(each, cast=False)
        else:
            argument.set_value(value, cast=False)
    return context


def _heed_signals() -> None:
    """Let a verb that is told to end clean up behind it, as after Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:  # not under nohup
            signal.signal(number, _interrupt)
    sys.unraisablehook = partial(_hear_again, sys.unraisablehook)


def _hear_again(
    before: Callable[["sys.UnraisableHookArgs"], Any], lost: "sys.UnraisableHookArgs"
) -> None:
    """Interrupt once more if an interrupt got lost, as where C calls Python and drops it."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        before(lost)
        return
    number = lost.exc_value.args[0] if lost.exc_value.args else signal.SIGINT
    again = threading.Timer(AGAIN_SECONDS, os.kill, (os.getpid(), number))
    again.daemon = True
    again.start()


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt(number)


def _traceback(wrong: BaseException) -> None:
    import traceback

    traceback.print_exception(wrong)


def main(argv: list[str] | None = None) -> None:
    """Run the door and leave with its exit code."""
    if str(CLONE) not in sys.path:
        sys.path.append(str(CLONE))
    door: Any = Door(name="AI Beast", binary="beast", binary_names=["beast"], version=__version__)
    door.run(argv)


if __name__ == "__main__":
    main()
