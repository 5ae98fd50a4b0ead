# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.services`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .services_types import LogsModel, RestartedModel, ServicesModel
    from .services_types import LogsQuery


class Services(Room):
    """Operations of the API: services."""

    def list(self, /) -> ServicesModel:
        """Tell how every service is."""
        found: ServicesModel = self._call("GET", "/services")
        return found

    def logs(self, name: str, /, **query: Unpack[LogsQuery]) -> LogsModel:
        """Return the last lines a service wrote."""
        found: LogsModel = self._call("GET", f"/services/{part(name)}/logs", query=query)
        return found

    def restart(self, name: str, /) -> RestartedModel:
        """Stop and start a service, and wait until it is well."""
        found: RestartedModel = self._call("POST", f"/services/{part(name)}/restart")
        return found
