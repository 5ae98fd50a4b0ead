# SPDX-License-Identifier: Apache-2.0
"""Speak to the HTTP API of an installation on this machine; used by the verbs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from beast_ops import http
from beast_ops.cards import read_services
from beast_ops.errors import (
    BeastError,
    ConflictError,
    MissingError,
    ServiceError,
    UnavailableError,
    UsageError,
)
from beast_ops.keys import read_secret
from beast_ops.place import Place

SECONDS = 60.0
LAST = "[DONE]"
NOT_RUNNING = "See: ./beast status, ./beast logs; start it with: ./beast deploy"

_BY_STATUS: dict[int, type[BeastError]] = {
    400: UsageError,
    404: MissingError,
    409: ConflictError,
    413: UsageError,
    415: UsageError,
    422: UsageError,
    429: UnavailableError,
    503: UnavailableError,
}


class Api:
    """One open connection to the API; answers are parsed JSON, refusals are our errors."""

    def __init__(self, client: http.Client) -> None:
        """Speak through *client*, which carries address and token."""
        self._client = client

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Send *body* as JSON (nothing if `None`) and return the parsed answer.

        Raises:
            UnavailableError: If the API does not answer, or not now.
            UsageError: If it finds fault with the request; `MissingError` and `ConflictError`
                say which.
            ServiceError: If it refuses for another reason, such as a wrong token.
        """
        with http.speaking_to("the API", hint=NOT_RUNNING):
            return _parsed(self._client.request(method, path, json=body))

    def stream(self, path: str, body: Any) -> Iterator[dict[str, Any]]:
        """Send *body* as JSON and yield each event of the answer; hanging up ends the work there.

        Raises:
            BeastError: As `call`; and if the answer breaks off.
        """
        with (
            http.speaking_to("the API", hint=NOT_RUNNING),
            self._client.stream("POST", path, json=body) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise _refusal(answer)
            for line in answer.iter_lines():
                name, _, data = line.partition(": ")
                if name == "data" and data != LAST:
                    yield _event(data)

    def send(self, path: str, content: Iterable[bytes]) -> Any:
        """Upload *content* by PUT, piece by piece, and return the parsed answer.

        Raises:
            BeastError: As `call`.
        """
        with http.speaking_to("the API", hint=NOT_RUNNING):
            return _parsed(
                self._client.put(
                    path, content=content, headers={"content-type": "application/octet-stream"}
                )
            )


@contextmanager
def connect(place: Place, *, seconds: float = SECONDS) -> Iterator[Api]:
    """Open the API of the installation at *place*; no answer may take longer than *seconds*.

    Raises:
        NotDeployedError: If nothing is deployed there, or the release has no API.
        BeastError: If the token cannot be read.
    """
    service = read_services(place.require_deployed().services).api()
    token = read_secret(place.secrets / service.name / "token")
    # What was done a moment ago is to be seen: nothing from a cache.
    headers = {"authorization": f"Bearer {token}", "cache-control": "no-cache"}
    with http.client(service.address or "", headers=headers, seconds=seconds) as client:
        yield Api(client)


def _parsed(answer: http.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    raise _refusal(answer)


def _event(data: str) -> dict[str, Any]:
    """Return an event of a stream.

    Raises:
        UnavailableError: If it says that the answer broke off.
    """
    event: dict[str, Any] = json.loads(data)
    if "error" not in event:
        return event
    message, hint = _told(event["error"])
    raise UnavailableError(message, hint=hint)


def _refusal(answer: http.Response) -> BeastError:
    """Return the API's error as ours: same sentence, same hint."""
    kind = _BY_STATUS.get(answer.status_code, ServiceError)
    try:
        message, hint = _told(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return kind(f"the API answered {answer.status_code}", hint=NOT_RUNNING)
    return kind(message, hint=hint)


def _told(error: Mapping[str, Any]) -> tuple[str, str]:
    """Return sentence and hint of an *error*; below /v1 the sentence holds the hint, too."""
    hint = str(error["hint"])
    return str(error["message"]).removesuffix(hint).rstrip(), hint
