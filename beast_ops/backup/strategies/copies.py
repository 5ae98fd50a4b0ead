# SPDX-License-Identifier: Apache-2.0
"""Copies of folders with everything that a backup keeps: holes, owners, modes, times, links."""

import os
import shutil
from pathlib import Path

from beast_ops.vectors.copying import copy_file


def copy_like(source: Path, target: Path) -> None:
    """Copy the folder *source* to the new folder *target*; nobody may write meanwhile.

    Raises:
        OSError: If something cannot be read or written.
    """
    target.mkdir(mode=0o700)
    for found in sorted(os.scandir(source), key=lambda each: each.name):
        inner, copy = Path(found.path), target / found.name
        if found.is_dir(follow_symlinks=False):
            copy_like(inner, copy)
        elif found.is_symlink():
            copy.symlink_to(os.readlink(inner))  # noqa: PTH115 - the text, with whatever bytes
            dress(inner, copy)
        elif found.is_file():
            copy_file(inner, copy)
            dress(inner, copy)
    dress(source, target)


def dress(source: Path, target: Path) -> None:
    """Give *target* owner, mode and times of *source*; owners only if we may."""
    status = source.lstat()
    if os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    shutil.copystat(source, target, follow_symlinks=False)
