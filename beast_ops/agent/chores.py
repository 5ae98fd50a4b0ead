# SPDX-License-Identifier: Apache-2.0
"""What the agent does by itself, once a day: certificates are made anew before they end."""

import logging
import threading
from collections.abc import Callable

from beast_ops.cards import read_services
from beast_ops.errors import BeastError
from beast_ops.lease import lease
from beast_ops.place import Place

LOG = logging.getLogger("beast.agent")
FIRST_SECONDS = 300.0  # a deploy that has just started us is over by then
DAY_SECONDS = 86_400.0
AGAIN_SECONDS = 600.0
WAIT_SECONDS = 60.0


def renew(place: Place) -> tuple[str, ...]:
    """Make the certificates anew that are about to end; return the services they are for.

    Raises:
        BeastError: If something is damaged, or another operation does not end.
    """
    from beast_ops.certificates import certify

    services = read_services(place.require_deployed().services)
    with lease(place.run, "renew certificates", wait=WAIT_SECONDS):
        return certify(place, services)


def keep(
    place: Place, stopping: threading.Event, chore: Callable[[Place], tuple[str, ...]] = renew
) -> None:
    """Do *chore* once a day until *stopping*; what fails is tried again soon."""
    pause = FIRST_SECONDS
    while not stopping.wait(pause):
        pause = DAY_SECONDS
        try:
            for name in chore(place):
                LOG.info("new certificate: %s", name)
        except BeastError as failed:
            LOG.warning("certificates: %s", failed.paragraph())
            pause = AGAIN_SECONDS
        except Exception:
            LOG.exception("certificates: a mistake")
