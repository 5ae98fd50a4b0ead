# SPDX-License-Identifier: Apache-2.0
"""Ask Docker Engine about our containers, and about no others.

A thin adapter: everything that comes out is ours and typed, every error is one of ours.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from beast_ops.errors import MissingError, ServiceError, UnavailableError

from .definition import LABEL

SECONDS = 60
HINT = "See whether it runs: systemctl status docker"


@dataclass(frozen=True, slots=True)
class Container:
    """One of our containers: what it runs and how it is.

    `health` is healthy, unhealthy, starting, or empty where nothing looks; `image` is the name it
    was made with, `image_id` what that stood for.
    """

    id: str
    service: str
    change: str
    state: str
    health: str
    image: str
    started: datetime | None
    restarts: int
    code: int
    image_id: str

    @property
    def well(self) -> bool:
        """Whether it runs, and nothing says that it does not work."""
        return self.state == "running" and self.health in {"", "healthy"}


class Engine:
    """Docker Engine of this host."""

    def __init__(self, seconds: float = SECONDS) -> None:
        """Connect as the environment says, by its socket if it says nothing.

        Raises:
            UnavailableError: If nobody answers.
        """
        import docker

        with _speaking():
            self._api = docker.from_env(timeout=int(seconds)).api

    def version(self) -> tuple[int, ...]:
        """Return the version of the engine, such as (26, 1, 5)."""
        with _speaking():
            told = str(self._api.version()["Version"])
        return tuple(int(part) for part in re.findall(r"\d+", told)[:3])

    def processors(self) -> int:
        """Return how many processors this host has."""
        with _speaking():
            return int(self._api.info()["NCPU"])

    def containers(self, root: str) -> list[Container]:
        """Return every container of the installation at *root*, running or not."""
        with _speaking():
            listed = self._api.containers(all=True, filters={"label": f"{LABEL}.root={root}"})
        found = []
        for each in listed:
            with suppress(MissingError), _speaking():  # Compose may just have replaced it
                found.append(self._described(each["Id"]))
        return found

    def _described(self, name: str) -> Container:
        found = self._api.inspect_container(name)
        labels, state = found["Config"]["Labels"], found["State"]
        return Container(
            id=found["Id"],
            service=labels.get(f"{LABEL}.service", ""),
            change=labels.get(f"{LABEL}.change", ""),
            state=state["Status"],
            health=(state.get("Health") or {}).get("Status", ""),
            image=found["Config"]["Image"],
            started=_moment(state.get("StartedAt", "")),
            restarts=int(found.get("RestartCount", 0)),
            code=int(state.get("ExitCode", 0)),
            image_id=found["Image"],
        )

    def aside(self, mark: str, service: str) -> list[str]:
        """Return the containers that run *service* beside the installation, as *mark* says."""
        labels = [f"{LABEL}.aside={mark}", f"{LABEL}.service={service}"]
        with _speaking():
            return [str(each["Id"]) for each in self._api.containers(filters={"label": labels})]

    def address(self, container: str) -> str:
        """Return the address of a container in the only network it is in, from this host.

        Raises:
            MissingError: If it has none, for it does not run.
        """
        with _speaking():
            found = self._api.inspect_container(container)["NetworkSettings"]["Networks"]
        for network in found.values():
            if network.get("IPAddress"):
                return str(network["IPAddress"])
        raise MissingError("a container has no address", subject=container)

    def has_image(self, reference: str) -> bool:
        """Return whether the image is here."""
        return self.image_id(reference) is not None

    def image_id(self, reference: str) -> str | None:
        """Return the id of the image that *reference* stands for here, `None` if none does."""
        from docker.errors import ImageNotFound

        with _speaking():
            try:
                return str(self._api.inspect_image(reference)["Id"])
            except ImageNotFound:
                return None

    def own_images(self, repository: str) -> list[str]:
        """Return the references of all images of *repository*."""
        with _speaking():
            listed = self._api.images(name=repository)
        return [tag for each in listed for tag in each.get("RepoTags") or ()]

    def remove_image(self, reference: str) -> None:
        """Remove an image that nothing runs."""
        with _speaking():
            self._api.remove_image(reference)

    def kill(self, container: str, signal: str) -> None:
        """Send *signal* to a container."""
        with _speaking():
            self._api.kill(container, signal=signal)

    def remove(self, container: str, seconds: int) -> None:
        """Stop a container within *seconds* and remove it."""
        with _speaking():
            self._api.stop(container, timeout=seconds)
            self._api.remove_container(container, force=True)

    def remove_networks(self, root: str) -> None:
        """Remove the networks of the installation at *root*."""
        with _speaking():
            for each in self._api.networks(filters={"label": f"{LABEL}.root={root}"}):
                self._api.remove_network(each["Id"])

    def sweep_networks(self, root: str) -> None:
        """Remove those networks of the installation at *root* that nobody is in any more."""
        with _speaking():
            self._api.prune_networks(filters={"label": f"{LABEL}.root={root}"})

    def logs(self, container: str, lines: int) -> list[str]:
        """Return the last *lines* lines a container wrote."""
        with _speaking():
            text: bytes = self._api.logs(container, tail=lines)
        return text.decode(errors="replace").splitlines()

    def follow(self, container: str, lines: int) -> Iterator[str]:
        """Yield the last *lines* lines a container wrote, and each further one."""
        with _speaking():
            stream: Any = self._api.logs(container, tail=lines, stream=True, follow=True)
        rest = b""
        with _speaking():
            for piece in stream:
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line.decode(errors="replace") for line in whole)


def _moment(text: str) -> datetime | None:
    """Return the time Docker writes as *text*, which has nanoseconds; `None` for its zero."""
    if not text or text.startswith("0001"):
        return None
    return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)


@contextmanager
def _speaking() -> Iterator[None]:
    """Turn what the SDK raises into our own errors.

    Raises:
        UnavailableError: If the engine does not answer.
        MissingError: If what was named is not there.
        ServiceError: If the engine refused.
    """
    from docker.errors import APIError, DockerException, NotFound
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except NotFound as gone:
        raise MissingError("not there any more", subject=str(gone.explanation)) from gone
    except APIError as refused:
        raise ServiceError("Docker refused", subject=str(refused.explanation)) from refused
    except (DockerException, RequestException, HTTPError) as failed:
        raise UnavailableError("Docker does not answer", subject="docker", hint=HINT) from failed
