# SPDX-License-Identifier: Apache-2.0
"""Where to look: told by the system where it can tell, else everywhere from time to time."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from beast_ops.clock import Clock

STEP_SECONDS = 0.05
# Kinds of file systems that others can change without this system's knowing.
REMOTE = frozenset(
    {
        *("9p", "afs", "afpfs", "ceph", "cifs", "glusterfs", "lustre", "ncpfs", "nfs", "nfs4"),
        *("smb3", "smbfs", "davfs", "fuse", "fuse.davfs2", "fuse.glusterfs", "fuse.rclone"),
        *("fuse.s3fs", "fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.grpcfuse", "fakeowner", "prl_fs"),
        *("vboxsf", "virtiofs", "vmhgfs"),
    }
)


class Notices(Protocol):
    """Says where something may have changed."""

    def wait(self, seconds: float) -> set[str]:
        """Return paths to look at, as soon as there are any, or none after *seconds*."""
        ...

    def close(self) -> None:
        """Stop."""
        ...


class NoNoticesError(Exception):
    """The system cannot tell, or cannot tell any more; says why."""


class Told:
    """The system's own notices."""

    def __init__(self, folders: Sequence[str], gather_seconds: float) -> None:
        """Watch *folders*; what comes within *gather_seconds* comes at once.

        Raises:
            NoNoticesError: If the system cannot tell.
        """
        from watchfiles._rust_notify import RustNotify  # its documented interface to Rust

        self._gather = int(gather_seconds * 1000)
        try:
            self._rust = RustNotify(list(folders), False, False, 0, True, True)  # noqa: FBT003 - its signature
        except Exception as wrong:  # whatever it meets in the system
            raise NoNoticesError(str(wrong)) from wrong

    def wait(self, seconds: float) -> set[str]:
        """Return paths to look at.

        Raises:
            NoNoticesError: If the system cannot tell any more.
            KeyboardInterrupt: If the user wants it to end.
        """
        step = int(STEP_SECONDS * 1000)
        try:
            told = self._rust.watch(
                max(self._gather, step), step, max(1, int(seconds * 1000)), None
            )
        except RuntimeError as wrong:  # WatchfilesRustInternalError, as for a name of other bytes
            raise NoNoticesError(str(wrong)) from wrong
        if told == "signal":
            raise KeyboardInterrupt
        return set() if isinstance(told, str) else {path for _, path in told}

    def close(self) -> None:
        """Stop."""
        self._rust.close()


class Looked:
    """No notices at all: everything is looked at now and then."""

    def __init__(self, folders: Sequence[str], pause: float, clock: Clock) -> None:
        """Have *folders* looked at every *pause* seconds."""
        self._folders, self._pause, self._clock = set(folders), pause, clock
        self._due = clock.monotonic() + pause

    def wait(self, seconds: float) -> set[str]:
        """Return the folders when it is time, else nothing."""
        left = self._due - self._clock.monotonic()
        self._clock.sleep(max(0.0, min(seconds, left)))
        if self._clock.monotonic() < self._due:
            return set()
        self._due = self._clock.monotonic() + self._pause
        return set(self._folders)

    def close(self) -> None:
        """Do nothing."""


def is_remote(folder: str, mounts: Path = Path("/proc/self/mountinfo")) -> bool:
    """Return whether *folder* lies on a file system that others may change, too.

    Args:
        folder: An absolute path.
        mounts: Where the system lists what is mounted; without it nothing is known to be remote.
    """
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return False
    path = os.fsencode(os.path.realpath(folder))
    best, kind = b"", ""
    for line in lines:
        front, _, back = line.partition(b" - ")
        if len(front.split()) <= POINT:
            continue
        point = _unescaped(front.split()[POINT])
        inside = path == point or path.startswith(point.rstrip(b"/") + b"/")
        if inside and len(point) >= len(best):  # of two at the same place the later is on top
            best, kind = point, back.split()[0].decode(errors="replace")
    return kind in REMOTE


POINT = 4  # which word of a line is where it is mounted: proc_pid_mountinfo(5)


def _unescaped(point: bytes) -> bytes:
    for code, sign in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        point = point.replace(code, sign)
    return point
