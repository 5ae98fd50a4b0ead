# SPDX-License-Identifier: Apache-2.0
"""The bus of a process on the host, which outlives the data in force: a restore exchanges them."""

from pathlib import Path

from beast_ops.cards import read_services
from beast_ops.errors import BeastError
from beast_ops.place import Place

from .bus import Bus
from .outbox import events_file, quietly


def bus_of(place: Place, source: str) -> Bus:
    """Return a bus whose events go to the outbox of the data that are in force just then.

    Args:
        place: The installation.
        source: The process that publishes.
    """
    bus = Bus(source)
    bus.subscribe(quietly(lambda: events_file(_data(place))))
    return bus


def _data(place: Place) -> Path:
    try:
        return Path(read_services(place.services).data)
    except BeastError as failed:
        raise OSError(str(failed)) from failed
