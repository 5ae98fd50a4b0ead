# SPDX-License-Identifier: Apache-2.0
"""Say in the description of a route how it refuses."""

from typing import Any

from .pages import refusals

_MEANS = {
    404: "There is no such thing",
    409: "Its state does not allow that",
    413: "The body is too large",
    422: "What was sent makes no sense",
    503: "Something that is needed does not answer, or takes nothing now",
}


def refuses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what the description of a route says of *statuses*."""
    return refusals(**{f"s{status}": _MEANS[status] for status in statuses})
