# SPDX-License-Identifier: Apache-2.0
"""What a service card consists of: each part says one thing that others may know of a service."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from .settings import Strict

DNS_LABEL = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$"

Name = Annotated[str, Field(pattern=DNS_LABEL, max_length=40)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
RelativePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][\w.-]*)*$")]
AbsolutePath = Annotated[str, Field(pattern=r"^/[^\x00:]*$")]
Judge = Annotated[str, Field(pattern=r"^beast_ops(\.[a-z_]+)+:[A-Za-z]+$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Argv = Annotated[tuple[str, ...], Field(min_length=1)]


def _is_pinned(image: str) -> str:
    if image.endswith(":latest"):
        raise ValueError("must name a version: what runs is what was tested")
    return image


Image = Annotated[
    str,
    Field(pattern=r"^[a-z0-9][a-z0-9._:/-]*[a-z0-9]:[\w][\w.-]{0,127}$"),
    AfterValidator(_is_pinned),
]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
User = Annotated[str, Field(pattern=r"^\d{1,9}:\d{1,9}$")]
Gathered = Literal["metrics", "alerts", "dashboards", "routes"]


def _is_file_variable(name: str) -> str:
    if not name.endswith("_FILE"):
        raise ValueError("must end in _FILE: a secret is handed over as a file, never as a value")
    return name


def is_address(text: str) -> str:
    """Return *text* if it is the address of a service.

    Raises:
        ValueError: If it is none, or holds what may be secret.
    """
    found = urlsplit(text)
    if found.scheme not in {"http", "https"} or not found.hostname or " " in text:
        raise ValueError("must be an address such as http://127.0.0.1:11434")
    if found.port == 0:
        raise ValueError("must have a port between 1 and 65535")
    if found.username or found.password or found.query or found.fragment:
        raise ValueError("must hold no name, password or query: what it holds is no secret")
    return text


Address = Annotated[str, AfterValidator(is_address)]


class Secret(Strict):
    """A secret of a service: how it rotates (`never` for keys that encrypt data).

    A `given` one is not derived: whoever operates the installation puts it there.
    """

    rotate: Literal["restart", "api", "never"] = "restart"
    given: bool = False


class State(Strict):
    """Data worth keeping: how it is backed up, where it lies, and the set it belongs to.

    What is of one set is restored together. A `command` exports into `file` what `undo` takes
    back; both run in the service.
    """

    how: Literal["sqlite", "snapshot_api", "volume", "files", "command", "models"]
    volume: Identifier
    set: Identifier
    file: RelativePath | None = None
    command: Argv | None = None
    undo: Argv | None = None


class Health(Strict):
    """How one sees that a service is well.

    `probe` is what the container itself runs; `start_seconds` is how long it may take to come up.
    """

    path: str | None = None
    status: int = 200
    seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    deep: Identifier | None = None
    probe: Argv | None = None
    start_seconds: Annotated[int, Field(ge=1, le=3600)] = 60


class Metrics(Strict):
    """Where metrics are, which secret of the service opens them, and the port if not its own."""

    path: str
    key: Identifier | None = None
    port: Port | None = None


class Offer(Strict):
    """A capability others may use, its port, and the secret that opens it.

    One with `front` stands before whoever else offers it: all others get this one, and show it
    the token that their want names.
    """

    scheme: Literal["http", "https", "redis"] = "http"
    port: Port
    key: Identifier | None = None
    front: bool = False


class Want(Strict):
    """A capability this service uses, and the variables that receive address and key file.

    Attributes:
        url: Receives the address.
        key: Receives the path of the file that opens it.
        optional: Whether the service is well without.
        token: Which of its own secrets it shows to a `front`.
        scope: What that token may do there.
    """

    url: Variable
    key: Annotated[Variable, AfterValidator(_is_file_variable)] | None = None
    optional: bool = False
    token: Identifier | None = None
    scope: Literal["read", "write", "admin"] = "read"


class Route(Strict):
    """Under which name the front door leads to a service, and who may pass.

    Attributes:
        host: The label before the domain.
        auth: `own` if the service asks for a login itself, `basic` if the front door must ask
            for a password, `forward` if it must ask the API; without one it asks for a password.
        paths: The paths that lead there.
        open: Paths below them that nobody has to log in for.
        insecure: Of those, what is answered without TLS, too.
        private: Paths that refuse who has no login; the audit asks for them.
        admin: With `forward`, paths where only an admin may do more than look.
    """

    host: Name
    auth: Literal["own", "basic", "forward"]
    paths: tuple[str, ...] = ("/",)
    open: tuple[str, ...] = ()
    insecure: tuple[str, ...] = ()
    private: tuple[str, ...] = ()
    admin: tuple[str, ...] = ()


class Publish(Strict):
    """A port that is reachable from other hosts: the front door's."""

    address: str = "0.0.0.0"  # noqa: S104 - the one place whose purpose it is
    port: Port
    target: Port


class Resources(Strict):
    """The most a service may take."""

    memory_mib: Annotated[int, Field(ge=16)] = 512
    cpus: Annotated[float, Field(gt=0)] = 2.0
    pids: Annotated[int, Field(ge=8)] = 512


class Mount(Strict):
    """A folder of the host that a service sees, and whether it may write there.

    A `source` that is no absolute path lies below the root of the installation.
    """

    source: AbsolutePath | RelativePath
    target: AbsolutePath
    write: bool = False


class Host(Strict):
    """What a service takes of its host beyond a container's usual means."""

    privileged: bool = False
    pid: bool = False
    devices: tuple[AbsolutePath, ...] = ()
    mounts: tuple[Mount, ...] = ()
