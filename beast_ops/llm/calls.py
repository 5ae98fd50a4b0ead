# SPDX-License-Identifier: Apache-2.0
"""Calls of a model server that are answered in one piece, each through its guard."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from beast_ops import http
from beast_ops.errors import UnavailableError
from beast_ops.resilience import GUARDS, Guards, Policy
from beast_ops.resilience.door import wait

T = TypeVar("T")

SERVICE = "the model server"
LASTING = "See: ./beast health"
BUSY = frozenset({429, 502, 503, 504})


class Calls:
    """Asks one model server, for all threads; a deadline holds whatever the server does."""

    def __init__(self, url: str, seconds: float, guards: Guards = GUARDS) -> None:
        """Ask the server at *url*, where no silence may be longer than *seconds*."""
        self._url, self._guards = url, guards
        self._client = http.async_client(url, seconds=seconds)

    def post(
        self,
        path: str,
        body: Mapping[str, Any],
        judge: Callable[[http.Response], T],
        policy: Policy,
        seconds: float | None = None,
    ) -> T:
        """Return what *judge* makes of the answer.

        Args:
            path: What to ask.
            body: The request; its `model` decides which guard it passes.
            judge: Returns what the answer says, or raises what it means.
            policy: The rules of the guard.
            seconds: Until it has to be over; as the policy says if left out.

        Raises:
            UnavailableError: If the server does not answer in time, is busy, or left alone.
            BeastError: What *judge* raises.
        """
        return wait(self.asked(path, body, judge, policy, seconds))

    async def asked(
        self,
        path: str,
        body: Mapping[str, Any],
        judge: Callable[[http.Response], T],
        policy: Policy,
        seconds: float | None = None,
    ) -> T:
        """Do what `post` does, in the event loop of `door`."""

        async def act() -> T:
            with http.speaking_to(SERVICE, hint=LASTING):
                answer = await self._client.post(path, json=dict(body))
            raise_if_busy(answer, str(body.get("model", "")))
            return judge(answer)

        guard = self._guards.get(self._url, str(body.get("model", "")), policy)
        return await guard.run(act, seconds)

    def close(self) -> None:
        """Close the connections."""
        wait(self._client.aclose())


def raise_if_busy(answer: http.Response, model: str) -> None:
    """Return if *answer* is one.

    Raises:
        UnavailableError: If it says that the server, or a proxy before it, cannot just now.
    """
    if answer.status_code in BUSY:
        raise UnavailableError(
            f"{SERVICE} is busy: {reason_in(answer)}",
            subject=model,
            hint=LASTING,
            after=http.retry_after(answer),
        )


def reason_in(answer: http.Response) -> str:
    """Return what the server says went wrong."""
    try:
        said = answer.json()["error"]
        return str(said["message"] if isinstance(said, dict) else said)[:300]
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
