# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.jobs`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .collections_types import JobModel
    from .jobs_types import JobLogModel, QueueModel, QueuedModel
    from .jobs_types import ListQuery, LogQuery


class AsyncJobs(AsyncRoom):
    """Operations of the API: jobs."""

    async def get(self, job: str, /) -> JobModel:
        """Tell where a job stands."""
        found: JobModel = await self._call("GET", f"/jobs/{part(job)}")
        return found

    async def delete(self, job: str, /) -> JobModel:
        """Cancel a job: at once if it waits, soon if it runs."""
        found: JobModel = await self._call("DELETE", f"/jobs/{part(job)}")
        return found

    async def list(self, /, **query: Unpack[ListQuery]) -> QueueModel:
        """List jobs."""
        found: QueueModel = await self._call("GET", "/jobs", query=query)
        return found

    async def cancel(self, job: str, /) -> QueuedModel:
        """Cancel a job."""
        found: QueuedModel = await self._call("POST", f"/jobs/{part(job)}/cancel")
        return found

    async def retry(self, job: str, /) -> QueuedModel:
        """Retry a job."""
        found: QueuedModel = await self._call("POST", f"/jobs/{part(job)}/retry")
        return found

    async def log(self, job: str, /, **query: Unpack[LogQuery]) -> JobLogModel:
        """Read what a job said."""
        found: JobLogModel = await self._call("GET", f"/jobs/{part(job)}/log", query=query)
        return found
