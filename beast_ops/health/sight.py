# SPDX-License-Identifier: Apache-2.0
"""What a deep check is given: one service, and all that looking at it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops import http
from beast_ops.cards import Service, Services
from beast_ops.errors import BeastError, ServiceError
from beast_ops.keys import read_secret

from .standpoint import Standpoint


@dataclass(frozen=True, slots=True)
class Sight:
    """A service and what looking at it takes.

    Attributes:
        service: The service, joined with the others.
        client: The client all checks share.
        key: The secret that opens the service, if it has one and we may read it.
        services: All services of the release.
        standpoint: Where we look from.
        thorough: Whether it must prove itself: what it can do is done once, and cleaned up.
    """

    service: Service
    client: http.AsyncClient
    key: str | None
    services: Services
    standpoint: Standpoint
    thorough: bool = False

    @property
    def address(self) -> str | None:
        """Where the service is reached from here."""
        return self.standpoint.address(self.service)

    @property
    def bearer(self) -> dict[str, str]:
        """What shows the key to who asks for a token."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    @property
    def inside(self) -> bool:
        """Whether we look from inside a container."""
        return self.standpoint.inside

    @property
    def data(self) -> Path:
        """The data generation in force, with one folder per volume."""
        return self.standpoint.data

    @property
    def secrets(self) -> Path:
        """The folder with one folder of secrets per service; as a rule readable on the host."""
        return self.standpoint.secrets

    def secret(self, name: str) -> str | None:
        """Return what the file *name* of the service's own folder holds, if we may read it."""
        if self.inside:
            return None
        try:
            return read_secret(self.secrets / self.service.name / name)
        except BeastError:
            return None  # the service will refuse us, which is then the finding

    async def json(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: Any = None,
    ) -> Any:
        """Return the JSON with which the service answers *path*.

        Args:
            path: Where to ask, below its address.
            headers: What to send besides.
            method: What to do there.
            body: What to send as JSON, if anything.

        Raises:
            UnavailableError: If it does not answer.
            ServiceError: If it refuses, or answers with something else.
        """
        with http.speaking_to(self.service.name):
            answer = await self.client.request(
                method, f"{self.address}{path}", headers=headers, json=body
            )
            answer.raise_for_status()
        try:
            return answer.json()
        except ValueError as wrong:
            raise ServiceError(f"{self.service.name} answered {path} with no JSON") from wrong
