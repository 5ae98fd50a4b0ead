# SPDX-License-Identifier: Apache-2.0
"""The verbs of tokens: what they ask of the API, and what they print."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from beast_ops.access.model import ScopeName
from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

DAYS_MOST = 36_500


@dataclass(frozen=True, slots=True)
class Wanted:
    """The token that is wanted.

    Attributes:
        name: What it is called.
        scope: What it may.
        days: For how many days; without end if 0.
        models: Which models it may use, with commas between; all if empty.
        per_minute: How often a minute it may ask a model; as often as others if 0.
    """

    name: str
    scope: str = "read"
    days: int = 0
    models: str = ""
    per_minute: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as the API wants it.

        Raises:
            UsageError: If there is no such scope, no such time, or no such number.
        """
        if self.scope not in get_args(ScopeName):
            known = ", ".join(get_args(ScopeName))
            hint = f"There are: {known}"
            raise UsageError(f"no such scope: {self.scope}", subject=self.name, hint=hint)
        if not 0 <= self.days <= DAYS_MOST:
            raise UsageError(f"a token is good for 1 to {DAYS_MOST} days", subject=self.name)
        if self.per_minute < 0:
            raise UsageError("a token may ask once a minute at least", subject=self.name)
        found: dict[str, Any] = {"name": self.name, "scope": self.scope, "days": self.days or None}
        models = [each.strip() for each in self.models.split(",") if each.strip()]
        return {
            **found,
            **({"models": models} if models else {}),
            **({"per_minute": self.per_minute} if self.per_minute else {}),
        }


def create(place: Place, wanted: Wanted, *, json: bool) -> None:
    """Make a token and print it.

    Args:
        place: The installation.
        wanted: The token.
        json: Whether a machine reads.

    Raises:
        UsageError: If there can be no such token.
        ConflictError: If there is a token of that name.
        UnavailableError: If the API does not answer.
    """
    from beast_ops.client import connect

    body = wanted.as_dict()
    with connect(place) as api:
        made = api.access.create_token(**body)
    if json:
        emit(made)
        return
    line(made["token"])
    may = f"{wanted.name} may {wanted.scope}{_until(made)}{_ruled(made)}"
    line(f"{may}. It is shown this once; keep it like a password.")


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
        line(f"{token['name']:<{width}}  {token['scope']:<5}  {used}{_until(token)}{_ruled(token)}")


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


def _ruled(token: Mapping[str, Any]) -> str:
    """Return what a token may ask of the model server, if that is not everything."""
    models, often = token.get("models"), token.get("per_minute")
    words = f", models {' '.join(models)}" if models else ""
    return f"{words}, {often} a minute" if often else words
