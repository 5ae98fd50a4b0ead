# SPDX-License-Identifier: Apache-2.0
"""Room that is taken before anything stops, and given back when it has to start again.

A step may meet a disk that others filled. What ran before writes a little when it starts, and
must find room for that.
"""

import os

from beast_ops.place import Place

# Records of processes, logs, the first pages of write-ahead logs; and where the disk is memory, the
# pages that the vector store maps as it starts: 27 MiB were seen for one small collection.
BYTES = 64 << 20
NAME = "ballast"


def take(place: Place) -> None:
    """Take it.

    Raises:
        OSError: If there is no room; nothing is left of it then.
    """
    path = place.run / NAME
    try:
        with path.open("wb") as file:
            for _ in range(BYTES >> 20):
                file.write(bytes(1 << 20))  # blocks of its own, on every file system
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise


def drop(place: Place) -> None:
    """Give it back."""
    (place.run / NAME).unlink(missing_ok=True)
