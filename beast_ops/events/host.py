# SPDX-License-Identifier: Apache-2.0
"""The bus of a process on the host, which outlives the data in force: a restore exchanges them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beast_ops.cards import read_services
from beast_ops.errors import BeastError
from beast_ops.place import Place

from .bus import Bus
from .outbox import events_file, quietly

TOLD = "BEAST_TOLD"  # said to a verb by whoever runs it and tells of it


def bus_of(place: Place, source: str) -> Bus:
    """Return a bus whose events go to the outbox of the data that are in force just then.

    Args:
        place: The installation.
        source: The process that publishes.
    """
    bus = Bus(source)
    bus.subscribe(quietly(lambda: events_file(_data(place))))
    return bus


@contextmanager
def telling(place: Place, kind: str, **data: Any) -> Iterator[dict[str, Any]]:
    """Tell that an operation runs, and how it ended, unless whoever runs this verb does.

    Args:
        place: The installation.
        kind: What is done; see `NAMES`.
        data: What belongs to it. The dictionary that is yielded takes what is known later.

    Yields:
        What is told when it ends.
    """
    known, bus = dict(data), bus_of(place, "host")
    if TOLD in os.environ or not place.services.is_file():
        yield known
        return
    bus.publish(f"{kind}.running", **known)
    ended = "failed"
    try:
        yield known
        ended = "done"
    except KeyboardInterrupt:
        ended = "interrupted"
        raise
    finally:
        bus.publish(f"{kind}.{ended}", **known)


def _data(place: Place) -> Path:
    try:
        return Path(read_services(place.services).data)
    except BeastError as failed:
        raise OSError(str(failed)) from failed
