# SPDX-License-Identifier: Apache-2.0
"""Make, of what somebody allows, the frozen value that bounds a task; before any model is asked."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from beast_ops.errors import UsageError

from .beneath import checked_folder
from .hands import folder_names
from .model import Allowed, Command

MORE = "*"


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody allows, in words.

    Attributes:
        folders: Whose files may be read.
        sandbox: Where files may be written; nowhere if empty.
        commands: What may be run there: the very words, or more of them after a last `*`.
        collections: What may be searched.
        apply: Whether to really act.
    """

    folders: Sequence[str] = ()
    sandbox: str = ""
    commands: Sequence[str] = ()
    collections: Sequence[str] = ()
    apply: bool = False


def allowed(wish: Wish, never: Sequence[Path]) -> Allowed:
    """Return what *wish* allows.

    Args:
        wish: What somebody allows.
        never: Folders that no task ever touches: the installation.

    Raises:
        UsageError: If it makes no sense, or would allow more than it says.
    """
    folders = [checked_folder(Path(each), never) for each in dict.fromkeys(wish.folders)]
    sandbox = checked_folder(Path(wish.sandbox), never) if wish.sandbox else None
    if wish.commands and sandbox is None:
        raise UsageError(
            "commands are run in a sandbox, and there is none", hint="Add: --sandbox FOLDER"
        )
    return Allowed(
        folders=folder_names(folders),
        sandbox=sandbox,
        commands=tuple(command(each, sandbox) for each in wish.commands),
        collections=tuple(wish.collections),
        apply=wish.apply,
        never=tuple(each.resolve() for each in never),
    )


def command(text: str, sandbox: Path | None) -> Command:
    """Return the command that *text* allows.

    Raises:
        UsageError: If there is none, or it lies where the model may write.
    """
    try:
        words = shlex.split(text)
    except ValueError as wrong:
        raise UsageError(f"this is no command: {wrong}", subject=text) from wrong
    more = len(words) > 1 and words[-1] == MORE
    words = words[:-1] if more else words
    found = shutil.which(words[0]) if words else None
    if found is None:
        raise UsageError("there is no such program", subject=text)
    program = Path(found).absolute()
    if sandbox is not None and (
        program.is_relative_to(sandbox) or program.resolve().is_relative_to(sandbox)
    ):
        raise UsageError("a program in the sandbox may be one the model wrote", subject=text)
    return Command(tuple(words), str(program), more)
