# SPDX-License-Identifier: Apache-2.0
"""What the release says about the gateway: settings, and where its things are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from beast_ops.access import services
from beast_ops.access.model import Scope
from beast_ops.api.settings import Network, Often
from beast_ops.cards import Port
from beast_ops.settings import Strict, variable


class Settings(Strict):
    """The whole of settings.json of the gateway.

    Attributes:
        host: Address to listen on where `BEAST_LISTEN` says nothing.
        port: Port to listen on.
        body_bytes: The largest question, with its pictures.
        blob_bytes: The largest file of a model that an admin may send.
        at_once: How many requests the model server gets at once.
        per_minute: How often a minute a token may ask, unless its own rule says otherwise.
        trusted_proxies: Addresses or networks of proxies, besides the front door of the
            release, that are believed when they say whom a request is from.
        guesses: How many wrong tokens one client may send in `guess_minutes`.
        guess_minutes: For how long a wrong one counts.
    """

    host: str = "127.0.0.1"
    port: Port = 11435
    body_bytes: Annotated[int, Field(ge=1024)] = 32 << 20
    blob_bytes: Annotated[int, Field(ge=1024)] = 64 << 30
    at_once: Annotated[int, Field(ge=1, le=100)] = 64  # as many connections as httpx opens
    per_minute: Often = 600
    trusted_proxies: tuple[Network, ...] = ()
    guesses: Annotated[int, Field(ge=1, le=1000)] = 20
    guess_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 10.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the release put this process's things: paths and addresses, never a secret.

    Attributes:
        services: The contract of the release.
        data: The data generation in force, with one folder per volume.
        settings: The settings of the gateway.
        secrets: The folder of its secrets.
        models_url: The model server.
        clients: The services that show a token of their own, and what each may do.
        listen: The address to listen on, if the settings do not decide.
    """

    services: Path
    data: Path
    settings: Path
    secrets: Path
    models_url: str
    clients: Mapping[str, Scope]
    listen: str | None = None


def surroundings(environ: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what the environment says.

    Raises:
        SettingsError: If a variable is missing or wrong; the message names it.
    """
    return Surroundings(
        services=Path(variable(environ, "BEAST_SERVICES")),
        data=Path(variable(environ, "BEAST_DATA")),
        settings=Path(variable(environ, "BEAST_CONFIG")) / "settings.json",
        secrets=Path(variable(environ, "BEAST_SECRETS")),
        models_url=variable(environ, "BEAST_UPSTREAM_URL"),
        clients=services.told(environ),
        listen=environ.get("BEAST_LISTEN") or None,
    )
