# SPDX-License-Identifier: Apache-2.0
"""What the release says about the API: settings, and where its things are."""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from beast_ops import http, valkey
from beast_ops.access import services
from beast_ops.access.model import Scope
from beast_ops.cards import Port
from beast_ops.llm.similar import LEAST
from beast_ops.runtime.child import is_inside
from beast_ops.search.model import LIMIT_MOST
from beast_ops.search.rerank import RerankSettings
from beast_ops.settings import Strict, variable

UPLOAD_BYTES = 200 << 20  # as the role has it


def _is_network(text: str) -> str:
    ipaddress.ip_network(text, strict=False)
    return text


def _is_closeness(value: float) -> float:
    if value and not LEAST <= value <= 1:
        raise ValueError(f"0, or from {LEAST} to 1")
    return value


Network = Annotated[str, AfterValidator(_is_network)]


class Access(Strict):
    """How one comes in.

    Attributes:
        trusted_proxies: Addresses or networks of proxies, besides the front door of the
            release, that are believed when they say whom a request is from.
        session_hours: How long a browser stays logged in.
        guesses: How many wrong tokens or codes one client may send in `guess_minutes`.
        guess_minutes: For how long a wrong one counts.
    """

    trusted_proxies: tuple[Network, ...] = ()
    session_hours: Annotated[float, Field(gt=0, le=24 * 365)] = 12.0
    guesses: Annotated[int, Field(ge=1, le=1000)] = 20
    guess_minutes: Annotated[float, Field(gt=0, le=24 * 60)] = 10.0


Often = Annotated[int, Field(ge=1, le=1_000_000)]


class Limits(Strict):
    """How often one client or token may ask: SPEC B-LIMIT.

    Attributes:
        per_second: Requests per second for long, whatever they are for.
        burst: Requests at once.
        chat: Questions for an answer per minute.
        transform: Transformations per minute.
        search: Searches per minute.
        ingest: Ingestions begun per minute.
        default: Everything else per minute.
    """

    per_second: Often = 10
    burst: Often = 20
    chat: Often = 10
    transform: Often = 30
    search: Often = 60
    ingest: Often = 20
    default: Often = 600


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
        access: How one comes in.
        limits: How often one may ask.
        chat_model: The model that answers in chats; the newest that writes, if empty.
        chat_context: How many tokens of passages, history and answer it sees at once.
        chat_similar: How close a question has to be to one that was answered so that it gets the
            same answer, from 0.9 to 1; 0 if each is answered anew.
        models_folder: Where models lie that run in this process, if anywhere.
        rerank: What orders the best passages anew where a search asks for it.
    """

    host: str = "127.0.0.1"
    port: Port = 8787
    allowed_hosts: tuple[str, ...] = ()
    folders: dict[str, str] = {}
    upload_bytes: Annotated[int, Field(ge=1)] = UPLOAD_BYTES
    access: Access = Access()
    limits: Limits = Limits()
    chat_model: str = ""
    chat_context: Annotated[int, Field(ge=1024)] = 4096
    chat_similar: Annotated[float, AfterValidator(_is_closeness)] = 0.0
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
        queue_url: Valkey, if there is one.
        queue_key: The file with its password, if it has one.
        listen: The address to listen on, if the settings do not decide.
        inside: Whether this process runs in a container.
        clients: What services that show a token of their own may do, by their names.
    """

    root: Path
    services: Path
    data: Path
    settings: Path
    secrets: Path
    vectors_url: str
    vectors_key: Path | None
    models_url: str | None
    queue_url: str | None = None
    queue_key: Path | None = None
    listen: str | None = None
    inside: bool = False
    clients: Mapping[str, Scope] = field(default_factory=dict)

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
    queue_key = environ.get(valkey.KEY_FILE)
    return Surroundings(
        root=Path(variable(environ, "BEAST_ROOT")),
        services=Path(variable(environ, "BEAST_SERVICES")),
        data=Path(variable(environ, "BEAST_DATA")),
        settings=Path(variable(environ, "BEAST_CONFIG")) / "settings.json",
        secrets=Path(variable(environ, "BEAST_SECRETS")),
        vectors_url=variable(environ, "BEAST_VECTORS_URL"),
        vectors_key=Path(key_file) if key_file else None,
        models_url=http.wanted(environ, "MODELS"),
        queue_url=environ.get(valkey.URL) or None,
        queue_key=Path(queue_key) if queue_key else None,
        listen=environ.get("BEAST_LISTEN") or None,
        inside=is_inside(environ),
        clients=services.told(environ),
    )
