# SPDX-License-Identifier: Apache-2.0
"""The controller's side of the preflight: pack it, say how it is run, read its answer.

It goes to the host through the standard input of one command, so nothing is copied there and
nothing stays.
"""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from pathlib import Path
from typing import Any

from beast_ops.errors import CommandError

PACKAGE = "preflight"
HERE = Path(__file__).parent
KEYS = {"blockers", "warnings", "refusal"}
# Python runs packages out of a zip file, which must have a name while it reads it.
UNPACK = (
    "import runpy,sys,tempfile\n"
    "with tempfile.NamedTemporaryFile(suffix='.zip') as parcel:\n"
    " parcel.write(sys.stdin.buffer.read()); parcel.flush()\n"
    " sys.path.insert(0, parcel.name)\n"
    f" runpy.run_module('{PACKAGE}', run_name='__main__')\n"
)


def pack() -> bytes:
    """Return this package as a zip file, without what only the controller needs."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as parcel:
        for path in sorted(HERE.glob("*.py")):
            if path.name != Path(__file__).name:
                parcel.writestr(f"{PACKAGE}/{path.name}", path.read_bytes())
    return packed.getvalue()


def command(python: str, wish: dict[str, Any]) -> str:
    """Return the shell line that unpacks and runs the preflight for *wish* with *python*."""
    return shlex.join([python, "-c", UNPACK, json.dumps(wish)])


def read(code: int, stdout: str, stderr: str) -> dict[str, Any]:
    """Return what the host answered.

    Raises:
        CommandError: If it could not be asked.
    """
    try:
        answer = json.loads(stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        answer = None
    if code or not isinstance(answer, dict) or answer.keys() != KEYS:
        last = " ".join((stderr or stdout).split())[-600:]
        raise CommandError(f"the host could not be examined: {last}", subject=f"exit {code}")
    return answer
