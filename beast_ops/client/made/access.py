# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.access`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import Room, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import Iterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .access_types import AccessSessionBody, AccessSessionModel, ChangesModel, CodeModel, MadeModel, TokenBody, TokensModel, WhoModel
    from .access_types import ChangesQuery


class Access(Room):
    """Operations of the API: access."""

    def tokens(self, /) -> TokensModel:
        """List the tokens that were made, without what opens."""
        found: TokensModel = self._call("GET", "/tokens")
        return found

    def create_token(self, /, **body: Unpack[TokenBody]) -> MadeModel:
        """Make a token."""
        found: MadeModel = self._call("POST", "/tokens", body=body)
        return found

    def revoke_token(self, name: str, /) -> None:
        """Let a token open nothing from now on, and end the sessions it began."""
        self._call("DELETE", f"/tokens/{part(name)}")

    def make_code(self, /) -> CodeModel:
        """Make a code that lets a browser in as whoever asks for it: good once, for ten minutes."""
        found: CodeModel = self._call("POST", "/auth/codes")
        return found

    def who(self, /) -> WhoModel:
        """Tell who asks, and what they may."""
        found: WhoModel = self._call("GET", "/session")
        return found

    def log_in(self, /, **body: Unpack[AccessSessionBody]) -> AccessSessionModel:
        """Exchange a code for a session, which the answer's cookie is."""
        found: AccessSessionModel = self._call("POST", "/session", body=body)
        return found

    def log_out(self, /) -> None:
        """End the session that asks."""
        self._call("DELETE", "/session")

    def changes(self, /, **query: Unpack[ChangesQuery]) -> ChangesModel:
        """Tell who changed what, the newest first."""
        found: ChangesModel = self._call("GET", "/changes", query=query)
        return found
