# SPDX-License-Identifier: Apache-2.0
"""What the release says about the API: settings, and where its things are."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from beast_ops.cards import Port
from beast_ops.runtime.child import is_inside
from beast_ops.search.model import LIMIT_MOST
from beast_ops.search.rerank import RerankSettings
from beast_ops.settings import Strict, variable

UPLOAD_BYTES = 200 << 20  # as the role has it


class Rerank(Strict):
    """What orders the best passages anew.

    Attributes:
        by: What runs the model.
        model: Which model: one of the model server, or a folder below the folder of models.
        candidates: How many passages are ordered; as many as are wanted at least.
        seconds: How long it may take; later the passages stay as they were.
    """

    by: Literal["none", "ollama", "fastembed"] = "none"
    model: str = ""
    candidates: Annotated[int, Field(ge=1, le=LIMIT_MOST)] = 30
    seconds: Annotated[float, Field(gt=0, le=60)] = 10.0


class Settings(Strict):
    """The whole of settings.json of the service `beast-api`.

    Attributes:
        host: Address to listen on where `BEAST_LISTEN` says nothing.
        port: Port to listen on.
        allowed_hosts: Names under which browsers may ask, besides those of the loopback and
            those that the release gives the API.
        folders: Folders on this host that may be ingested by name.
        upload_bytes: The largest document that is taken in.
        models_folder: Where models lie that run in this process, if anywhere.
        rerank: What orders the best passages anew where a search asks for it.
    """

    host: str = "127.0.0.1"
    port: Port = 8787
    allowed_hosts: tuple[str, ...] = ()
    folders: dict[str, str] = {}
    upload_bytes: Annotated[int, Field(ge=1)] = UPLOAD_BYTES
    models_folder: str = ""
    rerank: Rerank = Rerank()

    @property
    def reranking(self) -> RerankSettings:
        """What orders passages anew."""
        said = self.rerank
        return RerankSettings(
            said.by, said.model, self.models_folder, said.candidates, said.seconds
        )


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
