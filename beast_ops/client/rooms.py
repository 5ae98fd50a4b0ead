# SPDX-License-Identifier: Apache-2.0
"""The rooms of a client; each is loaded when it is first entered."""

from functools import cached_property
from typing import TYPE_CHECKING

from .room import Caller

if TYPE_CHECKING:  # each is loaded by who enters it
    from .made.access import Access
    from .made.backups import Backups
    from .made.chat import Chat
    from .made.collections import Collections
    from .made.events import Events
    from .made.health import Health
    from .made.ingest import Ingest
    from .made.jobs import Jobs
    from .made.models import Models
    from .made.notebooks import Notebooks
    from .made.openai import Openai
    from .made.operations import Operations
    from .made.search import Search
    from .made.services import Services
    from .made.sources import Sources
    from .made.tasks import Tasks
    from .made.transformations import Transformations


class Rooms(Caller):
    """All operations of the API, by room."""

    @cached_property
    def health(self) -> "Health":
        """Operations of the API: health."""
        from .made.health import Health

        return Health(self)

    @cached_property
    def search(self) -> "Search":
        """Operations of the API: search."""
        from .made.search import Search

        return Search(self)

    @cached_property
    def collections(self) -> "Collections":
        """Operations of the API: collections."""
        from .made.collections import Collections

        return Collections(self)

    @cached_property
    def openai(self) -> "Openai":
        """Operations of the API: openai."""
        from .made.openai import Openai

        return Openai(self)

    @cached_property
    def ingest(self) -> "Ingest":
        """Operations of the API: ingest."""
        from .made.ingest import Ingest

        return Ingest(self)

    @cached_property
    def jobs(self) -> "Jobs":
        """Operations of the API: jobs."""
        from .made.jobs import Jobs

        return Jobs(self)

    @cached_property
    def services(self) -> "Services":
        """Operations of the API: services."""
        from .made.services import Services

        return Services(self)

    @cached_property
    def backups(self) -> "Backups":
        """Operations of the API: backups."""
        from .made.backups import Backups

        return Backups(self)

    @cached_property
    def operations(self) -> "Operations":
        """Operations of the API: operations."""
        from .made.operations import Operations

        return Operations(self)

    @cached_property
    def models(self) -> "Models":
        """Operations of the API: models."""
        from .made.models import Models

        return Models(self)

    @cached_property
    def notebooks(self) -> "Notebooks":
        """Operations of the API: notebooks."""
        from .made.notebooks import Notebooks

        return Notebooks(self)

    @cached_property
    def sources(self) -> "Sources":
        """Operations of the API: sources."""
        from .made.sources import Sources

        return Sources(self)

    @cached_property
    def chat(self) -> "Chat":
        """Operations of the API: chat."""
        from .made.chat import Chat

        return Chat(self)

    @cached_property
    def transformations(self) -> "Transformations":
        """Operations of the API: transformations."""
        from .made.transformations import Transformations

        return Transformations(self)

    @cached_property
    def tasks(self) -> "Tasks":
        """Operations of the API: tasks."""
        from .made.tasks import Tasks

        return Tasks(self)

    @cached_property
    def events(self) -> "Events":
        """Operations of the API: events."""
        from .made.events import Events

        return Events(self)

    @cached_property
    def access(self) -> "Access":
        """Operations of the API: access."""
        from .made.access import Access

        return Access(self)
