# SPDX-License-Identifier: Apache-2.0
"""Become supervisord of the installation: `python -I -m beast_ops.runtime [--detach] ROOT`.

systemd runs it in the foreground; the command line with --detach, which leaves the terminal.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from beast_ops.errors import BeastError
from beast_ops.place import Place

from .address import ensure_folder, socket_path
from .child import UMASK, record
from .launch import IDENTITY, clean_environ, interpreter, supervisord_argv

USAGE = 64


def main(words: Sequence[str]) -> int:
    """Prepare the folders, leave the terminal if told so, and go on as supervisord.

    Args:
        words: `--detach` or nothing, then the root.

    Returns:
        An exit code, if it could not, or in the process that the detached one left behind.
    """
    if not words or len(words) > 2 or words[:-1] not in ([], ["--detach"]):  # noqa: PLR2004 - a flag and a root
        print("usage: python -m beast_ops.runtime [--detach] ROOT", file=sys.stderr)  # noqa: T201 - a program's usage
        return USAGE
    place = Place(Path(words[-1]))
    try:
        python = interpreter(place)
        _prepare(place)
    except BeastError as wrong:
        print(wrong.paragraph(), file=sys.stderr)  # noqa: T201 - read by whoever started it
        return wrong.exit_code
    if len(words) > 1 and _detach():
        return 0
    record(place.run / IDENTITY)
    return os.execve(python, supervisord_argv(place, python), clean_environ(place))  # noqa: S606 - our own interpreter


def _prepare(place: Place) -> None:
    os.umask(UMASK)
    for folder in (place.run, place.logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    ensure_folder(socket_path(place))
    os.chdir(place.root)


def _detach() -> bool:
    """Leave the terminal; return whether this is the process that was left behind."""
    if os.fork():
        return True
    os.setsid()
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
