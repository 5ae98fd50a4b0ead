# SPDX-License-Identifier: Apache-2.0
"""Services of the release that show a token of their own to what they want."""

from collections.abc import Mapping
from pathlib import Path

from beast_ops.errors import SettingsError
from beast_ops.keys import read_secret
from beast_ops.release.join import CLIENTS

from .model import Scope


def told(environ: Mapping[str, str]) -> dict[str, Scope]:
    """Return what each service may do here, by its name, as the release says.

    Raises:
        SettingsError: If it says what nobody may be.
    """
    found = {}
    for entry in filter(None, environ.get(CLIENTS, "").split(",")):
        name, _, scope = entry.partition("=")
        if scope not in {"read", "write", "admin"}:
            raise SettingsError("says what nobody may be", subject=CLIENTS)
        found[name] = Scope[scope.upper()]
    return found


def tokens(secrets: Path, names: Mapping[str, Scope]) -> dict[str, bytes]:
    """Return the token that each service shows, by its name.

    Args:
        secrets: The folder of the files with their tokens.
        names: The services.

    Raises:
        BeastError: If a token cannot be read.
    """
    return {
        name: read_secret(secrets / f"client_{name.replace('-', '_')}").encode() for name in names
    }
