# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501, F401, I001, RUF100 - written by a program: python -m beast_ops.reference
# fmt: off
"""`client.access`, to be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from beast_ops.client.room import AsyncRoom, part

if TYPE_CHECKING:  # types cost time to make, and nothing here runs on them
    from collections.abc import AsyncIterator

    from beast_ops.client.room import AsyncContent, Content
    from beast_ops.client.sse import Message
    from .access_types import AccessSessionBody, AccessSessionModel, ChangesModel, CodeModel, MadeModel, TokenBody, TokensModel, WhoModel
    from .access_types import ChangesQuery


class AsyncAccess(AsyncRoom):
    """Operations of the API: access."""

    async def tokens(self, /) -> TokensModel:
        """List the tokens that were made, without what opens."""
        found: TokensModel = await self._call("GET", "/tokens")
        return found

    async def create_token(self, /, **body: Unpack[TokenBody]) -> MadeModel:
        """Make a token."""
        found: MadeModel = await self._call("POST", "/tokens", body=body)
        return found

    async def revoke_token(self, name: str, /) -> None:
        """Let a token open nothing from now on, and end the sessions it began."""
        await self._call("DELETE", f"/tokens/{part(name)}")

    async def make_code(self, /) -> CodeModel:
        """Make a code that lets a browser in as whoever asks for it: good once, for ten minutes."""
        found: CodeModel = await self._call("POST", "/auth/codes")
        return found

    async def who(self, /) -> WhoModel:
        """Tell who asks, and what they may."""
        found: WhoModel = await self._call("GET", "/session")
        return found

    async def log_in(self, /, **body: Unpack[AccessSessionBody]) -> AccessSessionModel:
        """Exchange a code for a session, which the answer's cookie is."""
        found: AccessSessionModel = await self._call("POST", "/session", body=body)
        return found

    async def log_out(self, /) -> None:
        """End the session that asks."""
        await self._call("DELETE", "/session")

    async def changes(self, /, **query: Unpack[ChangesQuery]) -> ChangesModel:
        """Tell who changed what, the newest first."""
        found: ChangesModel = await self._call("GET", "/changes", query=query)
        return found
