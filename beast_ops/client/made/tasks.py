# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.tasks`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .collections_types import JobModel
    from .tasks_types import TaskBody, TaskModel, TranscriptModel
    from .tasks_types import TranscriptQuery


class Tasks(Room):
    """Operations of the API: tasks."""

    def begin(self, /, **body: Unpack[TaskBody]) -> JobModel:
        """Start a task."""
        found: JobModel = self._call("POST", "/tasks", body=body)
        return found

    def get(self, task: str, /) -> TaskModel:
        """Show a task."""
        found: TaskModel = self._call("GET", f"/tasks/{part(task)}")
        return found

    def transcript(self, task: str, /, **query: Unpack[TranscriptQuery]) -> TranscriptModel:
        """Show what a task did."""
        found: TranscriptModel = self._call("GET", f"/tasks/{part(task)}/transcript", query=query)
        return found
