# SPDX-License-Identifier: Apache-2.0
"""Write files so that a crash leaves the old content or the new, never half of it."""

import os
import sys
import tempfile
from pathlib import Path

PRIVATE = 0o600


Owner = tuple[int, int]  # numbers of user and group


def write_atomically(
    path: Path, content: bytes, mode: int = PRIVATE, owner: Owner | None = None
) -> None:
    """Replace *path* by *content* in one step, durable when this returns.

    Args:
        path: The file.
        content: All of it.
        mode: Who may do what with it.
        owner: Whose it is; ours if left out. Only root may give files away.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as temporary:
            temporary.write(content)
            temporary.flush()
            os.fchmod(temporary.fileno(), mode)
            if owner is not None:
                os.fchown(temporary.fileno(), *owner)
            os.fsync(temporary.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def switch_link(link: Path, target: str) -> None:
    """Point *link* at *target* (relative to its folder) by one rename."""
    temporary = link.with_name(f".{link.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync_folder(link.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file_system(folder: Path) -> None:
    """Make all that was written to the file system of *folder* durable.

    Once for all costs less than a thousand files one by one.

    Raises:
        OSError: If the folder is not there, or the file system could not write all of it.
    """
    if sys.platform != "linux":
        os.sync()
        return
    import ctypes

    handle = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle):
            raise OSError(ctypes.get_errno(), "cannot be made durable", str(folder))
    finally:
        os.close(handle)
