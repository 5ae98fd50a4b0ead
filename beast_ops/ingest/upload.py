# SPDX-License-Identifier: Apache-2.0
"""One document on its way in, written to the disk as it comes."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from beast_ops.errors import DatabaseError, MissingError, TransientError

# Twice what the vector process keeps for itself: it must not lose its room to uploads.
RESERVE_BYTES = 512 << 20
LOOK_BYTES = 16 << 20  # between looks at how much room is left
MAKE_ROOM = "Make room, then try again."


class Upload:
    """A document on its way in; it counts once it is complete."""

    def __init__(
        self,
        folder: Path,
        name: str,
        wanted: Callable[[], None] = lambda: None,
        reserve: int = RESERVE_BYTES,
    ) -> None:
        """Receive into the file *name* below *folder*.

        Args:
            folder: The uploads of the job.
            name: The document.
            wanted: Called before the document counts; raises if nobody wants it any more.
            reserve: How many bytes of the disk are not for uploads.

        Raises:
            MissingError: If the folder is gone: the job was cancelled.
            TransientError: If there is no room.
        """
        self._target, self._wanted, self._reserve = folder / name, wanted, reserve
        self._unlooked = LOOK_BYTES
        with keeping(folder.name):
            # Of its own, should the same document be sent twice at once.
            handle, partial = tempfile.mkstemp(dir=folder, prefix=f".{name}.")
        self._partial = Path(partial)
        self._file: BinaryIO = os.fdopen(handle, "wb")

    def write(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            TransientError: If there is no room for them.
        """
        with keeping(self._target.parent.name):
            self._look(len(block))
            self._file.write(block)

    def _look(self, more: int) -> None:
        self._unlooked += more
        if self._unlooked < LOOK_BYTES:
            return
        self._unlooked = 0
        if shutil.disk_usage(self._target.parent).free < self._reserve + more:
            raise TransientError(
                "the upload cannot be kept: the disk is nearly full", hint=MAKE_ROOM
            )

    def finish(self) -> None:
        """Count the document as received; raises as `write` does, or what *wanted* raises."""
        with keeping(self._target.parent.name):
            self._file.close()
            self._wanted()
            self._partial.replace(self._target)

    def abandon(self) -> None:
        """Forget what was received."""
        with suppress(OSError):
            self._file.close()
        self._partial.unlink(missing_ok=True)


@contextmanager
def keeping(job: str) -> Iterator[None]:
    """Turn what a disk raises while something is kept for *job* into our own errors.

    Raises:
        MissingError: If its folder is gone.
        TransientError: If there is no room, or nothing can be written.
    """
    try:
        yield
    except FileNotFoundError as gone:
        raise MissingError("this job is gone", subject=job) from gone
    except OSError as full:
        raise TransientError(
            f"the upload cannot be kept: {full.strerror}", hint=MAKE_ROOM
        ) from full
    except DatabaseError as failed:
        raise TransientError(
            f"the upload cannot be kept: {failed}", subject=failed.subject, hint=failed.hint
        ) from failed
