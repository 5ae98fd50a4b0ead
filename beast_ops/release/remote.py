# SPDX-License-Identifier: Apache-2.0
"""What the controller says to a host: shell lines, and what is read from their answers."""

import json
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from beast_ops.errors import BeastError, CommandError, TransientError, UsageError
from beast_ops.keys import GIVEN, MASTER

from .environment import COMPLETE
from .package import IMAGE, LOCK, VERBS, build_wheel

UV_LOCK = Path("requirements/bootstrap.txt")
BLIND = {"blind": True}

KINDS: dict[int, type[BeastError]] = {64: UsageError, 75: TransientError}


def host_command(words: Sequence[str], root: str, venv: str, transport: str) -> str:
    """Return the shell line that runs the host's side of a verb.

    It uses the environment of this release, or else that of the release in force, or else, on
    this machine, our own. On another host without any, nothing of ours stands, and `{}` says so;
    or only what a removal keeps, which nobody there can look at: see `is_blind`.
    """
    program = f"-m beast_ops.release {shlex.join([*words, root])}"
    folders = " ".join(map(shlex.quote, (f"{root}/venv/{venv}", f"{root}/current/venv")))
    key = shlex.quote(f"{root}/secrets/{MASTER}")
    last = f"""if [ -e {key} ]; then echo '{json.dumps(BLIND)}'; else echo "{{}}"; fi"""
    if transport == "local":
        last = f"exec {shlex.quote(sys.executable)} {program}"
    return (
        f"for venv in {folders}; do "
        f'if [ -e "$venv/{COMPLETE}" ] && [ -x "$venv/bin/python" ]; then '
        f'exec "$venv/bin/python" -I {program}; fi; done; {last}'
    )


def is_blind(answer: dict[str, Any]) -> bool:
    """Return whether something of ours is there that its host could not look at."""
    return answer == BLIND


def verb_command(root: str, words: Sequence[str]) -> str:
    """Return the shell line that runs a verb on a host, as one would type it there."""
    python = f"{root}/current/venv/bin/python"
    missing = "No installation here. Run: ./beast deploy"
    return (
        f"if [ -x {shlex.quote(python)} ]; then BEAST_ROOT={shlex.quote(root)} "
        f"exec {shlex.join([python, '-I', '-m', 'beast_ops.cli', *words])}; "
        f"else echo {shlex.quote(missing)} >&2; exit 64; fi"
    )


def give_command(root: str, name: str) -> str:
    """Return the shell line that keeps what it reads as the secret *name* that somebody gives.

    It needs nothing of ours on the host: a first deploy may ask for such a secret.
    """
    owner, _, own = name.partition("/")
    folder = f"{root}/secrets/{GIVEN}/{owner}"
    staged, kept = shlex.quote(f"{folder}/.{own}"), shlex.quote(f"{folder}/{own}")
    return f"umask 077 && mkdir -p {shlex.quote(folder)} && cat > {staged} && mv {staged} {kept}"


def read_answer(verb: str, code: int, stdout: str, stderr: str) -> dict[str, Any]:
    """Return what the host's side of *verb* answered.

    Raises:
        CommandError: If it failed, with its own paragraph.
        TransientError: Likewise, when trying again may help.
        UsageError: Likewise, when something was wrong with what was asked.
    """
    try:
        answer = json.loads(stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        last = " ".join((stderr or stdout).split())[-600:]
        raise CommandError(f"the host could not {verb}: {last}", subject=f"exit {code}") from None
    if not isinstance(answer, dict):
        raise CommandError(f"the host answered {type(answer).__name__}", subject=verb)
    if "error" in answer:
        raise KINDS.get(code, CommandError)(str(answer["error"]))
    return answer


def environment_files(clone: Path, folder: Path) -> list[Path]:
    """Return what the environment is made of: the wheel, built in *folder*, the lock file, ….

    With them goes what our own image is made of, and the verbs.
    """
    return [build_wheel(clone, folder), clone / LOCK, clone / IMAGE, clone / VERBS]


def environment_command(python: str, root: str, venv: str, sent: Sequence[str], uv: str) -> str:
    """Return the shell line that makes the environment *venv* from the *sent* files."""
    words = ["env", f"PYTHONPATH={sent[0]}", "PYTHONDONTWRITEBYTECODE=1", python, "-m"]
    return shlex.join([*words, "beast_ops.release.environment", root, venv, uv, *sent])


def installer(transport: str) -> str:
    """Return the program that installs packages on a host reached by *transport*.

    Empty if the host must look for one, or get it by the lock file `UV_LOCK`.
    """
    beside = shutil.which("uv", path=str(Path(sys.executable).parent))
    return beside if transport == "local" and beside else ""
