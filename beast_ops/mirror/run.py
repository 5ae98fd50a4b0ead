# SPDX-License-Identifier: Apache-2.0
"""Bring a knowledge base of Open WebUI in step with a collection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from beast_ops import http
from beast_ops.cards import Service, read_services
from beast_ops.errors import MissingError, ServiceError
from beast_ops.evals.beside import Side, key_of
from beast_ops.keys import read_secret
from beast_ops.place import Place
from beast_ops.secrets.logins import signs_in

from .documents import Documents
from .plan import Changes, changes
from .webui import SECONDS, Knowledge

WEBUI = "webui"  # how the card of Open WebUI calls its deep check
TEXT = (".md", ".txt")


@dataclass(slots=True)
class Mirrored:
    """What was done; *failed* says why, by source."""

    new: int = 0
    changed: int = 0
    removed: int = 0
    same: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        counts = {"new": self.new, "changed": self.changed, "removed": self.removed}
        return {**counts, "same": self.same, "failed": self.failed}


def mirror(place: Place, collection: str, name: str, tell: Callable[[str], None]) -> Mirrored:
    """Bring the knowledge base *name* of this installation's Open WebUI in step.

    Args:
        place: The installation.
        collection: The collection.
        name: The knowledge base; it is made if there is none of that name.
        tell: Told of each document that is sent or removed.

    Raises:
        MissingError: If there is no Open WebUI, no store, or no such collection.
        UnavailableError: If one of them does not answer.
        ServiceError: If Open WebUI does not let us in.
    """
    services = read_services(place.require_deployed().services)
    found = [each for each in services if each.health.deep == WEBUI and each.address]
    if not found:
        raise MissingError(
            "this installation has no Open WebUI",
            hint="Add open_webui to beast_services, then: ./beast deploy",
        )
    side = Side(services, place.secrets)
    with _store(side) as store, _webui(place, found[0]) as webui:
        return bring(Documents(store, collection), Knowledge(webui, name), tell)


def bring(documents: Documents, knowledge: Knowledge, tell: Callable[[str], None]) -> Mirrored:
    """Bring *knowledge* in step with *documents*; one that is refused does not stop the others.

    What takes the place of a file is added before that file goes, so that at no moment a
    document is missing; a run that is cut off is finished by the next.

    Raises:
        UnavailableError: If one side does not answer.
    """
    wanted = documents.versions()
    planned = changes(wanted, knowledge.files())
    done = Mirrored(same=planned.same)
    for source in (*planned.new, *planned.changed):
        tell(source)
        try:
            knowledge.put(source, wanted[source], file_name(source), documents.text(source))
        except ServiceError as refused:
            done.failed[source] = str(refused)
        else:
            done.new += source in planned.new
            done.changed += source in planned.changed
    _clear(planned, knowledge, done, tell)
    return done


def _clear(
    planned: Changes, knowledge: Knowledge, done: Mirrored, tell: Callable[[str], None]
) -> None:
    for source, files in planned.stale.items():
        if source in done.failed:
            continue  # the old version is better than none
        tell(source)
        for file in files:
            try:
                knowledge.remove(file)
            except ServiceError as refused:
                done.failed[source] = str(refused)
        done.removed += source in planned.gone and source not in done.failed


def file_name(source: str) -> str:
    """Return what the text of *source* is called in Open WebUI, which goes by endings."""
    name = source.rstrip("/").rpartition("/")[2] or "document"
    return name if name.endswith(TEXT) else f"{name}.md"


@contextmanager
def _store(side: Side) -> Iterator[http.Client]:
    store = side.find("vectors")
    if store is None:
        raise MissingError("there is no vector store", hint="See: ./beast status")
    key = key_of(store, side.secrets)
    headers = {"api-key": read_secret(key)} if key else {}
    with http.client(store.address or "", headers=headers, seconds=SECONDS) as client:
        yield client


@contextmanager
def _webui(place: Place, service: Service) -> Iterator[http.Client]:
    """Log in as the administrator of *service*.

    Raises:
        ServiceError: If it does not let us in.
    """
    token = signs_in(place, service, read_secret(place.secrets / service.name / "admin_password"))
    if token is None:
        raise ServiceError(
            "Open WebUI does not take its administrator's password",
            subject=service.name,
            hint="It was changed there; see: ./beast doctor",
        )
    headers = {"authorization": f"Bearer {token}"}
    with http.client(service.address or "", headers=headers, seconds=SECONDS) as client:
        yield client
