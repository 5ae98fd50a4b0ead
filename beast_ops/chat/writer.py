# SPDX-License-Identifier: Apache-2.0
"""Which model answers: the one that the settings name, or one that is there."""

from dataclasses import dataclass

from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import MissingError
from beast_ops.llm.chat import ChatModel, ChatServer

FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Known:
    wanted: str
    until: float
    model: ChatModel


class Writer:
    """Knows which model answers, and asks the server for it only now and then."""

    def __init__(self, server: ChatServer | None, clock: Clock = SYSTEM) -> None:
        """Choose among the models of *server*, if there is one."""
        self._server, self._clock = server, clock
        self._known: _Known | None = None

    async def choose(self, wanted: str) -> tuple[ChatServer, ChatModel]:
        """Return the server and the model *wanted*; the newest that writes, if that is empty.

        Raises:
            MissingError: If there is no model server, or no such model.
            ConflictError: If the model does not write.
            UnavailableError: If the server does not answer.
        """
        if self._server is None:
            raise MissingError(
                "there is no model server, so nobody can answer",
                hint="Add ollama to beast_services, then: ./beast deploy. Searching works without.",
            )
        known, now = self._known, self._clock.monotonic()
        if known is None or known.wanted != wanted or now > known.until:
            model = await self._server.model(wanted or await self._first(self._server))
            known = self._known = _Known(wanted, now + FRESH_SECONDS, model)
        return self._server, known.model

    def forget(self) -> None:
        """Look anew the next time: the model is gone, perhaps."""
        self._known = None

    async def _first(self, server: ChatServer) -> str:
        names = await server.models()
        if not names:
            raise MissingError(
                "the model server has no model that can write",
                hint="Get one with: ollama pull llama3.2",
            )
        return names[0]
