# SPDX-License-Identifier: Apache-2.0
"""The verbs of tokens: what they ask of the API, and what they print."""

from collections.abc import Mapping
from typing import Any, get_args

from beast_ops.access.model import ScopeName
from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

DAYS_MOST = 36_500


def create(place: Place, name: str, scope: str, days: int, *, json: bool) -> None:
    """Make a token and print it.

    Args:
        place: The installation.
        name: What it is called.
        scope: What it may.
        days: For how many days; without end if 0.
        json: Whether a machine reads.

    Raises:
        UsageError: If there is no such scope, or no such time.
        ConflictError: If there is a token of that name.
        UnavailableError: If the API does not answer.
    """
    from beast_ops.client import connect

    if scope not in get_args(ScopeName):
        known = ", ".join(get_args(ScopeName))
        raise UsageError(f"no such scope: {scope}", subject=name, hint=f"There are: {known}")
    if not 0 <= days <= DAYS_MOST:
        raise UsageError(f"a token is good for 1 to {DAYS_MOST} days", subject=name)
    wanted: dict[str, Any] = {"name": name, "scope": scope, "days": days or None}
    with connect(place) as api:
        made = api.access.create_token(**wanted)
    if json:
        emit(made)
        return
    line(made["token"])
    line(f"{name} may {scope}{_until(made)}. It is shown this once; keep it like a password.")


def show_all(place: Place, *, json: bool) -> None:
    """Print one line for each token.

    Raises:
        UnavailableError: If the API does not answer.
    """
    from beast_ops.client import connect

    with connect(place) as api:
        found = api.access.tokens()
    if json:
        emit(found)
        return
    if not found["tokens"]:
        line("There are none but those of the release. Make one: ./beast tokens.create NAME")
    width = max((len(token["name"]) for token in found["tokens"]), default=0)
    for token in found["tokens"]:
        used = f"used {token['used'][:16]}" if token["used"] else "never used"
        line(f"{token['name']:<{width}}  {token['scope']:<5}  {used}{_until(token)}")


def revoke(place: Place, name: str) -> None:
    """Revoke a token and say so.

    Raises:
        MissingError: If there is none of that name.
        UnavailableError: If the API does not answer.
    """
    from beast_ops.client import connect

    with connect(place) as api:
        api.access.revoke_token(name)
    line(f"{name} opens nothing any more.")


def _until(token: Mapping[str, Any]) -> str:
    return f", until {token['expires'][:16]}" if token["expires"] else ""
