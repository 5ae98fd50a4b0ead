# SPDX-License-Identifier: Apache-2.0
"""What one run of an ingestion works with."""

from dataclasses import dataclass

from beast_ops.jobs.worker import Grip

from .order import Order
from .settings import Surroundings
from .state import DocumentState
from .store import PointStore
from .tally import Tally


@dataclass(frozen=True, slots=True)
class Task:
    """What one run of an ingestion works with.

    Attributes:
        around: The worker's data and services.
        grip: The job, as long as it is held.
        order: What to ingest.
        state: What is known of documents.
        store: Where their passages go.
        tally: What is counted.
    """

    around: Surroundings
    grip: Grip
    order: Order
    state: DocumentState
    store: PointStore
    tally: Tally

    def tell(self) -> None:
        """Say how far it is, if it is time to."""
        if self.tally.due:
            self.grip.say(self.tally.progress())
