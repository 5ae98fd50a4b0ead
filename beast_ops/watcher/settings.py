# SPDX-License-Identifier: Apache-2.0
"""What the release says to the watcher."""

from typing import Annotated

from pydantic import Field

from beast_ops.ingest.client import IngestOptions
from beast_ops.ingest.ignore import Selection
from beast_ops.ingest.manifest import CollectionName, Pattern
from beast_ops.jobs.model import Priority
from beast_ops.knowledge import COLLECTION
from beast_ops.settings import Strict


class WatchedFolder(Strict):
    """One folder, by its absolute path, and how it is read."""

    folder: Annotated[str, Field(pattern=r"^/")]
    collection: CollectionName = COLLECTION
    include: tuple[Pattern, ...] = ()
    exclude: tuple[Pattern, ...] = ()
    archives: bool = False

    def options(self) -> IngestOptions:
        """Return how to ingest it."""
        selection = Selection(self.include, self.exclude)
        return IngestOptions(
            self.collection,
            selection=selection,
            archives=self.archives,
            priority=Priority.NORMAL,  # it comes all the time, and nobody waits for it
        )


class WatcherSettings(Strict):
    """Which folders are watched."""

    folders: tuple[WatchedFolder, ...] = ()
