# SPDX-License-Identifier: Apache-2.0
"""What the API refuses, as errors of ours: same sentence, same hint."""

from collections.abc import Mapping
from typing import Any

from beast_ops import http
from beast_ops.errors import (
    BeastError,
    ConflictError,
    MissingError,
    ServiceError,
    UnavailableError,
    UsageError,
)

NOT_RUNNING = "See: ./beast status, ./beast logs; start it with: ./beast deploy"
BY_STATUS: Mapping[int, type[BeastError]] = {
    400: UsageError,
    404: MissingError,
    409: ConflictError,
    413: UsageError,
    415: UsageError,
    422: UsageError,
    429: UnavailableError,
    503: UnavailableError,
}


def parsed(answer: http.Response) -> Any:
    """Return what *answer* says, out of its JSON; nothing if it is empty.

    Raises:
        UnavailableError: If the API cannot, now.
        UsageError: If it finds fault with the request; `MissingError` and `ConflictError` say
            which.
        ServiceError: If it refuses for another reason, such as a wrong token.
    """
    if answer.is_success:
        return answer.json() if answer.content else None
    raise refusal(answer)


def refusal(answer: http.Response) -> BeastError:
    """Return the refusal *answer*, whose body was read, as an error of ours."""
    kind = BY_STATUS.get(answer.status_code, ServiceError)
    try:
        message, hint = told(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return kind(f"the API answered {answer.status_code}", hint=NOT_RUNNING)
    return kind(message, hint=hint)


def told(error: Mapping[str, Any]) -> tuple[str, str]:
    """Return sentence and hint of an *error*; below /v1 the sentence holds the hint, too."""
    hint = str(error["hint"])
    return str(error["message"]).removesuffix(hint).rstrip(), hint


def pause(answer: http.Response) -> float:
    """Return how many seconds the API asks for patience; none if it does not say."""
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdigit() else 0.0
