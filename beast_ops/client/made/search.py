# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.search`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .search_types import AnswerModel, SearchBody


class Search(Room):
    """Operations of the API: search."""

    def ask(self, /, **body: Unpack[SearchBody]) -> AnswerModel:
        """Find passages by meaning and by words, fused by reciprocal rank."""
        found: AnswerModel = self._call("POST", "/search", body=body)
        return found
