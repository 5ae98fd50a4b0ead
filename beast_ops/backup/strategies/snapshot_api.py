# SPDX-License-Identifier: Apache-2.0
"""A vector store with Qdrant's API: a snapshot of each collection, and the aliases besides.

A collection's snapshot knows no alias, and what a server takes for the default priority differs
between its code and its documentation, so both are said.
https://qdrant.tech/documentation/concepts/snapshots/
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from beast_ops import http
from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.cards import Service
from beast_ops.errors import ArchiveError, BeastError, UnavailableError
from beast_ops.files import write_atomically
from beast_ops.health.vectors import SCRATCH
from beast_ops.keys import read_secret
from beast_ops.place import Place

from . import Source, Staged

KEY = "api_key"
SECONDS = 3600.0  # gigabytes on a slow disk
FOLDER = "snapshots"
OPEN = "snapshots-of-a-backup"  # below `run`: what a killed backup left in the store


@dataclass(frozen=True, slots=True)
class Taken:
    """One snapshot on the server, and how many points its collection had around that moment."""

    collection: str
    name: str
    size: int
    checksum: str | None
    least: int
    most: int


class Store:
    """A vector store one can ask."""

    def __init__(self, name: str, address: str, key: str) -> None:
        """Speak to the service *name* at *address* with *key*."""
        self.name = name
        self.client = http.client(address, headers={"api-key": key}, seconds=SECONDS)

    def close(self) -> None:
        """Hang up."""
        self.client.close()

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Return the result of one request.

        Raises:
            UnavailableError: If it does not answer.
            ServiceError: If it refuses.
        """
        with http.speaking_to(self.name):
            answer = self.client.request(method, path, **more)
            answer.raise_for_status()
            return answer.json()["result"]

    def collections(self) -> list[str]:
        """Return the names of all collections but those a health check makes."""
        found = self.ask("GET", "/collections")["collections"]
        names = sorted(str(each["name"]) for each in found)
        return [name for name in names if not name.startswith(SCRATCH)]

    def aliases(self) -> dict[str, str]:
        """Return the collection of each alias."""
        found = self.ask("GET", "/aliases")["aliases"]
        return {str(each["alias_name"]): str(each["collection_name"]) for each in found}

    def count(self, collection: str) -> int:
        """Return how many points *collection* has."""
        body = {"exact": True}
        return int(self.ask("POST", f"/collections/{collection}/points/count", json=body)["count"])

    def take(self, collection: str) -> Taken:
        """Make a snapshot of *collection*."""
        before = self.count(collection)
        made = self.ask("POST", f"/collections/{collection}/snapshots", params={"wait": "true"})
        after = self.count(collection)
        least, most = sorted((before, after))
        return Taken(
            collection, str(made["name"]), int(made["size"]), made.get("checksum"), least, most
        )

    def download(self, taken: Taken) -> Iterator[bytes]:
        """Yield the content of a snapshot."""
        path = f"/collections/{taken.collection}/snapshots/{taken.name}"
        with http.speaking_to(self.name), self.client.stream("GET", path) as answer:
            answer.raise_for_status()
            yield from answer.iter_raw()

    def delete(self, collection: str, name: str) -> None:
        """Delete a snapshot."""
        self.ask("DELETE", f"/collections/{collection}/snapshots/{name}")

    def recover(self, collection: str, file: Path, checksum: str) -> None:
        """Make *collection* what the snapshot in *file* says."""
        how = {"priority": "snapshot", "wait": "true", "checksum": checksum}
        with file.open("rb") as content:
            self.ask(
                "POST",
                f"/collections/{collection}/snapshots/upload",
                params=how,
                files={"snapshot": (file.name, content, "application/octet-stream")},
            )

    def alias(self, aliases: Mapping[str, str]) -> None:
        """Have *aliases* lead where they say."""
        actions = [
            {"create_alias": {"alias_name": name, "collection_name": collection}}
            for name, collection in sorted(aliases.items())
        ]
        if actions:
            self.ask("POST", "/collections/aliases", json={"actions": actions})


class HeldStore:
    """Snapshots of every collection of a store, on its server until `close`."""

    def __init__(self, item: Item, source: Source) -> None:
        """Make the snapshots."""
        self._service, self._place = item.service, source.place
        self._store = store(source.service(item), source.place.secrets)
        self._taken: list[Taken] = []
        try:
            sweep(source.place, self._store)
            names = self._store.collections()
            _remember(self._place, self._store, names)
            self._taken.extend(self._store.take(name) for name in names)
            self._aliases = self._store.aliases()
        except BaseException:
            with suppress(BeastError):
                sweep(self._place, self._store)  # one that was made may not be on our list yet
            self.close()
            raise

    def release(self) -> None:
        """Do nothing: snapshots are made."""

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put the snapshots into the archive.

        Raises:
            ArchiveError: If one did not come as it was announced.
        """
        found = {}
        for number, taken in enumerate(self._taken):
            name = f"{FOLDER}/{self._service}/{number:06}"
            checksum = writer.add_stream(name, taken.size, self._store.download(taken))
            if taken.checksum is not None and taken.checksum != checksum:
                raise ArchiveError(
                    "a snapshot arrived damaged",
                    subject=taken.collection,
                    hint="Type the same command again.",
                )
            found[taken.collection] = {
                "file": f"{number:06}",
                "sha256": checksum,
                "points": [taken.least, taken.most],
            }
        return {"collections": found, "aliases": self._aliases}

    def close(self) -> None:
        """Delete the snapshots."""
        for taken in self._taken:
            with suppress(BeastError):
                self._store.delete(taken.collection, taken.name)
        self._taken = []
        (self._place.run / OPEN).unlink(missing_ok=True)
        self._store.close()


def store(service: Service, secrets: Path, address: str = "") -> Store:
    """Return the store that *service* is, where it says or at *address*.

    Raises:
        UnavailableError: If it has no address here.
        BeastError: If its key cannot be read.
    """
    where = address or service.address
    if not where:
        raise UnavailableError("this service has no address here", subject=service.name)
    return Store(service.name, where, read_secret(secrets / service.name / KEY))


def hold(item: Item, source: Source) -> HeldStore:
    """Make snapshots of everything the store *item* has.

    Raises:
        UnavailableError: If it does not answer.
        ServiceError: If it refuses.
    """
    return HeldStore(item, source)


def bring(item: Item, staged: Staged, facts: Mapping[str, Any]) -> None:
    """Make the collections of a store that runs on the staged data what they were.

    Raises:
        UnavailableError: If it does not answer.
        ServiceError: If it refuses.
    """
    with closing(_aside(item, staged)) as filled:
        for name, kept in facts["collections"].items():
            file = staged.extras / FOLDER / item.service / kept["file"]
            filled.recover(name, file, kept["sha256"])
        filled.alias(facts["aliases"])


def judge(item: Item, staged: Staged, facts: Mapping[str, Any]) -> str:
    """Return which collections have another number of points, or which alias leads elsewhere."""
    with closing(_aside(item, staged)) as filled:
        for name, kept in facts["collections"].items():
            least, most = kept["points"]
            found = filled.count(name)
            if not least <= found <= most:
                return f"{name} has {found} points instead of {least}"
        aliases = filled.aliases()
    for name, collection in facts["aliases"].items():
        if aliases.get(name) != collection:
            return f"{name} leads to {aliases.get(name)} instead of {collection}"
    return ""


def _aside(item: Item, staged: Staged) -> Store:
    """Return the store that runs on what was staged."""
    key = read_secret(staged.secrets / item.service / KEY)
    return Store(item.service, staged.addresses[item.service], key)


def sweep(place: Place, asked: Store) -> int:
    """Delete the snapshots that a killed backup left in the store; return how many."""
    path = place.run / OPEN
    try:
        before = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return 0
    gone = 0
    for collection, known in before.items():
        with suppress(BeastError):
            for each in asked.ask("GET", f"/collections/{collection}/snapshots"):
                if each["name"] not in known:
                    asked.delete(collection, each["name"])
                    gone += 1
    path.unlink(missing_ok=True)
    return gone


def _remember(place: Place, asked: Store, names: list[str]) -> None:
    """Note which snapshots are not ours, so that ours are known if we are killed."""
    known = {
        name: [each["name"] for each in asked.ask("GET", f"/collections/{name}/snapshots")]
        for name in names
    }
    place.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(place.run / OPEN, json.dumps(known).encode())
