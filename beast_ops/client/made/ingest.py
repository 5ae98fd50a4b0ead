# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.ingest`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .collections_types import JobModel
    from .ingest_types import FolderBody, JobsModel, Manifest, OpenedModel, SkipBody, TakenModel
    from .ingest_types import ListQuery


class Ingest(Room):
    """Operations of the API: ingest."""

    def open(self, body: Manifest | FolderBody, /) -> OpenedModel:
        """Open an ingestion: of the documents in a manifest, or of a folder declared on the server."""
        found: OpenedModel = self._call("POST", "/ingest", body=body)
        return found

    def list(self, /, **query: Unpack[ListQuery]) -> JobsModel:
        """List the ingestions, the newest first."""
        found: JobsModel = self._call("GET", "/ingest", query=query)
        return found

    def send(self, job: str, index: int, content: Content, /) -> TakenModel:
        """Send the content of one wanted document, as it is."""
        found: TakenModel = self._call("PUT", f"/ingest/{part(job)}/documents/{part(index)}", content=content)
        return found

    def skip(self, job: str, index: int, /, **body: Unpack[SkipBody]) -> TakenModel:
        """Say why one wanted document will not come; it is then reported as failed."""
        found: TakenModel = self._call("POST", f"/ingest/{part(job)}/documents/{part(index)}/skip", body=body)
        return found

    def start(self, job: str, /) -> JobModel:
        """Let the job run; documents that were not sent are reported as failed."""
        found: JobModel = self._call("POST", f"/ingest/{part(job)}/start")
        return found

    def get(self, job: str, /) -> JobModel:
        """Tell where the job stands."""
        found: JobModel = self._call("GET", f"/ingest/{part(job)}")
        return found

    def cancel(self, job: str, /) -> JobModel:
        """Cancel the job: at once if it waits, after the current batch if it runs."""
        found: JobModel = self._call("DELETE", f"/ingest/{part(job)}")
        return found
