# SPDX-License-Identifier: Apache-2.0
"""The command `beast` on a host: the verbs of the release in force, for whoever logs in there."""

import shlex
from pathlib import Path

from beast_ops.files import switch_link, write_atomically
from beast_ops.place import Place

COMMAND = Path("/usr/local/bin/beast")
NAME = "beast"
EXECUTABLE = 0o755
SCRIPT = """\
#!/bin/sh
# Written by the deploy of this installation: the verbs of the release in force.
BEAST_ROOT={root}
export BEAST_ROOT
exec {python} -I -m beast_ops.cli "$@"
"""


def bring(place: Place, command: Path = COMMAND) -> None:
    """Have the command below the root of *place*, and where shells look unless that is taken."""
    script = place.root / NAME
    python = place.root / "current" / "venv" / "bin" / "python"
    text = SCRIPT.format(root=shlex.quote(str(place.root)), python=shlex.quote(str(python)))
    if not script.is_file() or script.read_text(encoding="utf-8") != text:
        write_atomically(script, text.encode(), EXECUTABLE)
    if command.parent.is_dir() and not command.exists() and not command.is_symlink():
        switch_link(command, str(script))


def take_away(place: Place, command: Path = COMMAND) -> None:
    """Take the link to the command of *place* away; others stay."""
    if command.is_symlink() and command.readlink() == place.root / NAME:
        command.unlink()
