# SPDX-License-Identifier: Apache-2.0
"""Where the API is, and what opens it: said, in the environment, or in an installation's files."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from beast_ops.cards import read_services
from beast_ops.errors import UsageError
from beast_ops.keys import read_secret
from beast_ops.place import Place

ADDRESS, TOKEN, TOKEN_FILE = "BEAST_API_URL", "BEAST_API_TOKEN", "BEAST_API_TOKEN_FILE"


@dataclass(frozen=True, slots=True)
class Where:
    """An address, and the token that is good there."""

    address: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries; what was done a moment ago is to be seen: no cache."""
        return {"authorization": f"Bearer {self.token}", "cache-control": "no-cache"}


def at(place: Place) -> Where:
    """Return where the API of the installation at *place* is, with its operator's token.

    Raises:
        NotDeployedError: If nothing is deployed there, or the release has no API.
        BeastError: If the token cannot be read.
    """
    service = read_services(place.require_deployed().services).api()
    return Where(service.address or "", read_secret(place.secrets / service.name / "token"))


def found(
    address: str = "",
    token: str = "",
    place: Place | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Where:
    """Return what was said, else what the environment says, else what the installation has.

    Args:
        address: Such as `https://ai.example.org`.
        token: What opens it.
        place: The installation; that of `BEAST_ROOT`, or `~/.beast`, if left out.
        environ: Where `BEAST_API_URL` and `BEAST_API_TOKEN` are looked for, or the name of a
            file in `BEAST_API_TOKEN_FILE`.

    Raises:
        UsageError: If only one of the two is known: a token is sent nowhere by guess.
        NotDeployedError: If neither is, and there is no installation.
        BeastError: If a token cannot be read.
    """
    address = address or environ.get(ADDRESS, "")
    token = token or environ.get(TOKEN, "")
    if not token and (file := environ.get(TOKEN_FILE, "")):
        token = read_secret(Path(file))
    if address and token:
        return Where(address.rstrip("/"), token)
    if address or token:
        raise UsageError(
            f"{'a token' if address else 'an address'} is missing",
            hint=f"Say both, or neither: {ADDRESS} and {TOKEN}, or {TOKEN_FILE}.",
        )
    return at(place or Place(Path(environ.get("BEAST_ROOT") or Path.home() / ".beast").absolute()))
