# SPDX-License-Identifier: Apache-2.0
"""What the release says about the API: settings, and where its things are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from beast_ops.cards import Port
from beast_ops.runtime.child import is_inside
from beast_ops.settings import Strict, variable

UPLOAD_BYTES = 200 << 20  # as the role has it


class Settings(Strict):
    """The whole of settings.json of the service `beast-api`.

    Attributes:
        host: Address to listen on where `BEAST_LISTEN` says nothing.
        port: Port to listen on.
        allowed_hosts: Names under which browsers may ask, besides those of the loopback and
            those that the release gives the API.
        folders: Folders on this host that may be ingested by name.
        upload_bytes: The largest document that is taken in.
        chat_model: The model that answers in chats; the newest that writes, if empty.
        chat_context: How many tokens of passages, history and answer it sees at once.
    """

    host: str = "127.0.0.1"
    port: Port = 8787
    allowed_hosts: tuple[str, ...] = ()
    folders: dict[str, str] = {}
    upload_bytes: Annotated[int, Field(ge=1)] = UPLOAD_BYTES
    chat_model: str = ""
    chat_context: Annotated[int, Field(ge=1024)] = 4096


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the release put this process's things: paths and addresses, never a secret.

    Attributes:
        root: The installation; in a container, the folder that stands for it.
        services: The contract of the release.
        data: The data generation in force, with one folder per volume.
        settings: The settings of the API.
        secrets: The folder of the API's secrets.
        vectors_url: The vector store.
        vectors_key: The file with its key, if it has one.
        models_url: The model server, if there is one.
        listen: The address to listen on, if the settings do not decide.
        inside: Whether this process runs in a container.
    """

    root: Path
    services: Path
    data: Path
    settings: Path
    secrets: Path
    vectors_url: str
    vectors_key: Path | None
    models_url: str | None
    listen: str | None = None
    inside: bool = False

    @property
    def certificate(self) -> Path:
        """The certificate of the installation's own authority, if it has one."""
        return self.services.parent / "ca.crt"


def surroundings(environ: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what the environment says.

    Raises:
        SettingsError: If a variable is missing; the message names it.
    """
    key_file = environ.get("BEAST_VECTORS_KEY_FILE")
    return Surroundings(
        root=Path(variable(environ, "BEAST_ROOT")),
        services=Path(variable(environ, "BEAST_SERVICES")),
        data=Path(variable(environ, "BEAST_DATA")),
        settings=Path(variable(environ, "BEAST_CONFIG")) / "settings.json",
        secrets=Path(variable(environ, "BEAST_SECRETS")),
        vectors_url=variable(environ, "BEAST_VECTORS_URL"),
        vectors_key=Path(key_file) if key_file else None,
        models_url=environ.get("BEAST_MODELS_URL") or None,
        listen=environ.get("BEAST_LISTEN") or None,
        inside=is_inside(environ),
    )
