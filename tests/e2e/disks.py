# SPDX-License-Identifier: Apache-2.0
"""File systems of their own, in memory, that fill up when a test wants it."""

import os
import shutil
import subprocess
from pathlib import Path

TRIES = 100
ROOM = "1500m"  # what a deploy asks for; most of it is never used


def mounted(folder: Path, options: str) -> str:
    """Mount a file system in memory, or change one; return why that does not go."""
    argv = [shutil.which("mount") or "mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    done = subprocess.run(argv, capture_output=True, check=False)
    return done.stderr.decode().strip() if done.returncode else ""


def shrink(folder: Path, leave: int) -> None:
    """Leave so many bytes of the file system *folder*, rounded up to whole pages."""
    for _ in range(TRIES):  # who writes between the look and the change has it refused
        status = os.statvfs(folder)
        used = (status.f_blocks - status.f_bfree) * status.f_frsize
        why = mounted(folder, f"remount,size={used + leave}")
        if not why:
            return
    raise AssertionError(why)
