# SPDX-License-Identifier: Apache-2.0
"""The rooms of a client, to be awaited; each is loaded when it is first entered."""

from functools import cached_property
from typing import TYPE_CHECKING

from .room import AsyncCaller

if TYPE_CHECKING:  # each is loaded by who enters it
    from .made.access_async import AsyncAccess
    from .made.backups_async import AsyncBackups
    from .made.chat_async import AsyncChat
    from .made.collections_async import AsyncCollections
    from .made.events_async import AsyncEvents
    from .made.health_async import AsyncHealth
    from .made.ingest_async import AsyncIngest
    from .made.jobs_async import AsyncJobs
    from .made.models_async import AsyncModels
    from .made.notebooks_async import AsyncNotebooks
    from .made.openai_async import AsyncOpenai
    from .made.operations_async import AsyncOperations
    from .made.search_async import AsyncSearch
    from .made.services_async import AsyncServices
    from .made.sources_async import AsyncSources
    from .made.tasks_async import AsyncTasks
    from .made.transformations_async import AsyncTransformations


class AsyncRooms(AsyncCaller):
    """All operations of the API, by room."""

    @cached_property
    def health(self) -> "AsyncHealth":
        """Operations of the API: health."""
        from .made.health_async import AsyncHealth

        return AsyncHealth(self)

    @cached_property
    def search(self) -> "AsyncSearch":
        """Operations of the API: search."""
        from .made.search_async import AsyncSearch

        return AsyncSearch(self)

    @cached_property
    def collections(self) -> "AsyncCollections":
        """Operations of the API: collections."""
        from .made.collections_async import AsyncCollections

        return AsyncCollections(self)

    @cached_property
    def openai(self) -> "AsyncOpenai":
        """Operations of the API: openai."""
        from .made.openai_async import AsyncOpenai

        return AsyncOpenai(self)

    @cached_property
    def ingest(self) -> "AsyncIngest":
        """Operations of the API: ingest."""
        from .made.ingest_async import AsyncIngest

        return AsyncIngest(self)

    @cached_property
    def jobs(self) -> "AsyncJobs":
        """Operations of the API: jobs."""
        from .made.jobs_async import AsyncJobs

        return AsyncJobs(self)

    @cached_property
    def services(self) -> "AsyncServices":
        """Operations of the API: services."""
        from .made.services_async import AsyncServices

        return AsyncServices(self)

    @cached_property
    def backups(self) -> "AsyncBackups":
        """Operations of the API: backups."""
        from .made.backups_async import AsyncBackups

        return AsyncBackups(self)

    @cached_property
    def operations(self) -> "AsyncOperations":
        """Operations of the API: operations."""
        from .made.operations_async import AsyncOperations

        return AsyncOperations(self)

    @cached_property
    def models(self) -> "AsyncModels":
        """Operations of the API: models."""
        from .made.models_async import AsyncModels

        return AsyncModels(self)

    @cached_property
    def notebooks(self) -> "AsyncNotebooks":
        """Operations of the API: notebooks."""
        from .made.notebooks_async import AsyncNotebooks

        return AsyncNotebooks(self)

    @cached_property
    def sources(self) -> "AsyncSources":
        """Operations of the API: sources."""
        from .made.sources_async import AsyncSources

        return AsyncSources(self)

    @cached_property
    def chat(self) -> "AsyncChat":
        """Operations of the API: chat."""
        from .made.chat_async import AsyncChat

        return AsyncChat(self)

    @cached_property
    def transformations(self) -> "AsyncTransformations":
        """Operations of the API: transformations."""
        from .made.transformations_async import AsyncTransformations

        return AsyncTransformations(self)

    @cached_property
    def tasks(self) -> "AsyncTasks":
        """Operations of the API: tasks."""
        from .made.tasks_async import AsyncTasks

        return AsyncTasks(self)

    @cached_property
    def events(self) -> "AsyncEvents":
        """Operations of the API: events."""
        from .made.events_async import AsyncEvents

        return AsyncEvents(self)

    @cached_property
    def access(self) -> "AsyncAccess":
        """Operations of the API: access."""
        from .made.access_async import AsyncAccess

        return AsyncAccess(self)
