# SPDX-License-Identifier: Apache-2.0
"""Where supervisord of an installation listens: a Unix socket, whose path must be short."""

import hashlib
import os
import stat
from pathlib import Path

from beast_ops.errors import PreflightError
from beast_ops.place import Place

VARIABLE = "BEAST_SUPERVISOR"
SOCKET = "supervisor.sock"
SHORT = Path("/tmp")  # noqa: S108 - the folder in it is ours alone, and TMPDIR may differ tomorrow
# A path in sockaddr_un takes 103 bytes on macOS, 107 on Linux: unix(4), unix(7). supervisord
# binds to the path with a dot and its process number first: seven digits at most.
LONGEST = 103 - 8


def socket_path(place: Place) -> Path:
    """Return the path of the socket: in `<root>/run`, or in a short folder if that is too long."""
    root = os.path.realpath(place.root)
    path = Path(root) / "run" / SOCKET
    if len(os.fsencode(path)) <= LONGEST:
        return path
    mark = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return SHORT / f"beast-{os.getuid()}-{mark}" / SOCKET


def ensure_folder(path: Path) -> None:
    """Make the folder of the socket *path*, or prove that it is ours and closed to others.

    Raises:
        PreflightError: If somebody else made it, or it is no folder, or it cannot be made.
    """
    folder = path.parent
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as wrong:
        raise PreflightError(
            f"cannot make the folder of a socket: {wrong.strerror}",
            subject=str(folder),
            hint="Choose a shorter BEAST_ROOT.",
        ) from wrong
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise PreflightError(
            "the folder of the socket is not ours alone",
            subject=str(folder),
            hint="Remove it, or choose a shorter BEAST_ROOT.",
        )
    if folder.parent == SHORT:
        folder.chmod(0o700)
