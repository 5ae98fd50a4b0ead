# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `alerts`."""

from typing import Any

from beast_ops.door.verb import verb


@verb("./beast alerts.test --inventory inventory/server", name="test", there=True)
def send_test(_context: Any) -> None:
    """Send an alert that says it is a test to everybody who is told of alerts."""
    from beast_ops.alerts import send_test as send
    from beast_ops.cards import read_services
    from beast_ops.door.output import line
    from beast_ops.place import installation

    place = installation().require_deployed()
    line(f"A test alert is on its way, through {send(read_services(place.services))}.")
