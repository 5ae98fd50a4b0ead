# SPDX-License-Identifier: Apache-2.0
"""Send an alert that says it is a test, the way every alert goes."""

from datetime import timedelta
from typing import Any

from beast_ops import http
from beast_ops.cards import Services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import NotDeployedError

CHECK = "alerting"  # what the card of the service that sends alerts names as its deep check
MINUTES = 5
NAME = "TestAlert"


def send_test(services: Services, clock: Clock = SYSTEM) -> str:
    """Hand a test alert to the service that sends alerts, and return that service's address.

    Args:
        services: What is in force.
        clock: What time it is; the alert ends by itself after five minutes.

    Raises:
        NotDeployedError: If no service sends alerts.
        UnavailableError: If it does not answer.
        ServiceError: If it refuses.
    """
    for service in services:
        if service.health.deep == CHECK and service.address is not None:
            with http.client(service.address) as client, http.speaking_to(service.name):
                client.post("/api/v2/alerts", json=[alert(clock)]).raise_for_status()
            return service.address
    raise NotDeployedError(
        "nothing here sends alerts",
        subject=services.root,
        hint="Add alertmanager to beast_services, then run: ./beast deploy",
    )


def alert(clock: Clock) -> dict[str, Any]:
    """Return the test alert as Alertmanager's API takes it."""
    now = clock.now()
    return {
        "labels": {"alertname": NAME, "severity": "warning"},
        "annotations": {
            "summary": "This is a test",
            "description": "Somebody ran: beast alerts.test",
        },
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(minutes=MINUTES)).isoformat(),
    }
