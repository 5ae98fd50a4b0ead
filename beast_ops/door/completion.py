# SPDX-License-Identifier: Apache-2.0
"""Complete words in bash, zsh and fish."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from beast_ops.errors import UsageError

from .verb import Verb
from .words import HELP, VERBOSE, Reader

_BASH = """\
_beast_complete() {{
  local candidates
  candidates=$({program} --complete -- "${{COMP_WORDS[@]:1:COMP_CWORD}}" 2>/dev/null)
  COMPREPLY=($(compgen -W "$candidates" -- "$2"))
}}
complete -o default -F _beast_complete beast ./beast
"""
_ZSH = """\
_beast_complete() {{
  reply=($({program} --complete -- "${{words[@]:1}}" 2>/dev/null))
}}
compctl -K _beast_complete + -f beast ./beast
"""
_FISH = """\
function __beast_complete
  {program} --complete -- (commandline --tokenize --cut-at-cursor)[2..-1] \\
    (commandline --current-token) 2>/dev/null
end
complete --command beast --arguments '(__beast_complete)'
"""
_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def script(shell: str, program: Path) -> str:
    """Return what *shell* has to read once so that it completes words of `beast`.

    Raises:
        UsageError: If there is no such script.
    """
    if shell not in _SCRIPTS:
        raise UsageError(
            "no completion for this shell", subject=shell, hint="Known: bash, fish, zsh."
        )
    return _SCRIPTS[shell].format(program=shlex.quote(str(program)))


def candidates(words: Sequence[str], verbs: Mapping[str, Verb]) -> list[str]:
    """Return what the last of *words*, which may be empty, can become.

    Args:
        words: What stands on the line after the name of the program.
        verbs: All verbs by name.
    """
    *before, last = words or [""]
    chosen = next((word for word in before if word in verbs), None)
    if chosen is None:
        known = [*verbs, "help"] if not last.startswith("-") else [*HELP, "--version", "--list"]
    elif last.startswith("-"):
        arguments = verbs[chosen].get_arguments()
        known = [*Reader(chosen, arguments, verbs[chosen].manner).options, *HELP, *VERBOSE]
    else:
        known = []
    return sorted({word for word in known if word.startswith(last)})
