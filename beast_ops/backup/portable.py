# SPDX-License-Identifier: Apache-2.0
"""Collections in a form that every store of Qdrant's API reads: points, and what made them.

    collections/<number>/collection.json   names, vectors, indexes, how many points
    collections/<number>/points.jsonl      one point per line, with its vectors
    collections/<number>/documents.jsonl   what the worker knows of its documents
    own/settings.yml                       settings of the installation they are from

Snapshots are tied to a version, and those of the embedded store to it alone; points are not.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from beast_ops.cards import Service, Services, read_services
from beast_ops.clock import SYSTEM
from beast_ops.errors import ArchiveError, BeastError, ConflictError, MissingError
from beast_ops.ingest.settings import state_file
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release.hands import WAIT_SECONDS

from . import shelf
from .extract import extract
from .strategies import sqlite
from .strategies.snapshot_api import Store, store
from .targets import written_file
from .writer import ArchiveWriter

KIND, FORMAT = "ai-beast export", 1
PAGE, BATCH = 256, 256
TABLE = "documents"
KEPT = ("vectors", "sparse_vectors", "on_disk_payload")


def export(place: Place, file: Path, collections: tuple[str, ...] = ()) -> dict[str, int]:
    """Write collections of the installation at *place* into the new file *file*.

    Args:
        place: The installation.
        file: Where to; must not be there yet.
        collections: Names or aliases; all if empty.

    Returns:
        How many points each collection has that was written.

    Raises:
        ConflictError: If the file is there already.
        MissingError: If there is no such collection.
        UnavailableError: If the store does not answer.
    """
    if file.exists():
        raise ConflictError("this file is there already", subject=str(file))
    with lease(place.run, "export", wait=WAIT_SECONDS):
        services = read_services(place.require_deployed().services)
        asked = store(_keeper(services), place.secrets)
        aliases, names = asked.aliases(), asked.collections()
        chosen = _chosen(names, aliases, collections)
        header = {
            "kind": KIND,
            "format": FORMAT,
            "created": SYSTEM.now().isoformat(timespec="seconds"),
            "project": services.project,
            "runtime": services.runtime,
        }
        found = {}
        with written_file(file) as raw, ArchiveWriter(raw, header) as writer:
            for number, name in enumerate(chosen):
                known = sqlite.taken(state_file(Path(services.data)), TABLE, "collection", name)
                found[name] = _write(writer, asked, name, f"collections/{number}", known)
            if (place.root / "settings.yml").is_file():
                writer.add_file(place.root / "settings.yml", "own/settings.yml")
            writer.finish({"collections": found})
    return found


def _keeper(services: Services) -> Service:
    for service in services:
        if any(state.how == "snapshot_api" for state in service.state):
            return service
    raise MissingError("this installation has no vector store", subject=services.root)


def _chosen(names: list[str], aliases: Mapping[str, str], wanted: tuple[str, ...]) -> list[str]:
    found = [aliases.get(name, name) for name in wanted] or names
    for name in found:
        if name not in names:
            known = ", ".join(sorted({*names, *aliases}))
            raise MissingError("no such collection", subject=name, hint=f"There are: {known}")
    return found


def _write(
    writer: ArchiveWriter, asked: Store, name: str, folder: str, known: list[dict[str, Any]]
) -> int:
    said = asked.ask("GET", f"/collections/{name}")
    with tempfile.NamedTemporaryFile(prefix="beast-") as lines:
        count = 0
        for point in _points(asked, name):
            lines.write(json.dumps(point, separators=(",", ":")).encode() + b"\n")
            count += 1
        lines.flush()
        params = said["config"]["params"]
        description = {
            "name": name,
            "aliases": sorted(each for each, to in asked.aliases().items() if to == name),
            "body": {key: params[key] for key in KEPT if params.get(key) is not None},
            "metadata": said["config"].get("metadata"),
            "indexes": {
                field: each.get("params") or each["data_type"]
                for field, each in said["payload_schema"].items()
            },
            "points": count,
        }
        writer.add_bytes(f"{folder}/collection.json", json.dumps(description).encode())
        writer.add_file(Path(lines.name), f"{folder}/points.jsonl")
    text = "".join(f"{json.dumps(each)}\n" for each in known)
    writer.add_bytes(f"{folder}/documents.jsonl", text.encode())
    return count


def _points(asked: Store, name: str) -> Iterator[dict[str, Any]]:
    offset: Any = None
    while True:
        body = {"limit": PAGE, "with_payload": True, "with_vector": True, "offset": offset}
        page = asked.ask("POST", f"/collections/{name}/points/scroll", json=body)
        for point in page["points"]:
            yield {key: point.get(key) for key in ("id", "vector", "payload")}
        offset = page.get("next_page_offset")
        if offset is None:
            return


def bring(place: Place, file: Path, *, replace: bool = False) -> dict[str, int]:
    """Put the collections of an export into the store of the installation at *place*.

    Each becomes a collection of its own first; its names lead there when all points are counted.

    Args:
        place: The installation.
        file: What `export` wrote.
        replace: Whether names that lead elsewhere shall lead there; what they led to stays.

    Returns:
        How many points each collection got.

    Raises:
        ArchiveError: If the file is no whole export, or points are missing in the end.
        ConflictError: If a name is taken.
        UnavailableError: If the store does not answer.
    """
    with (
        lease(place.run, "import", wait=WAIT_SECONDS),
        tempfile.TemporaryDirectory(prefix="beast-") as work,
    ):
        services = read_services(place.require_deployed().services)
        folder = Path(work) / "export"
        with shelf.reading(file) as raw:
            summary = extract(raw, folder)
        if (summary.header.get("kind"), summary.header.get("format")) != (KIND, FORMAT):
            raise ArchiveError("this is no export of ours", subject=str(file))
        asked = store(_keeper(services), place.secrets)
        found = {}
        for each in sorted((folder / "collections").glob("*"), key=lambda path: int(path.name)):
            said = json.loads((each / "collection.json").read_bytes())
            _refuse_taken(asked, said, replace=replace)
            name = _fill(asked, said, each / "points.jsonl")
            _remember(each / "documents.jsonl", state_file(Path(services.data)), name)
            _lead(asked, said["aliases"], name)
            found[name] = int(said["points"])
        return found


def _refuse_taken(asked: Store, said: Mapping[str, Any], *, replace: bool) -> None:
    aliases = asked.aliases()
    taken = [name for name in said["aliases"] if name in aliases]
    if not said["aliases"] and said["name"] in asked.collections():
        taken = [said["name"]]
    if taken and (not replace or not said["aliases"]):
        raise ConflictError(
            "there is a collection of this name",
            subject=", ".join(taken),
            hint="Add --replace to have its name lead to the imported one."
            if said["aliases"]
            else "Delete it first; it has no other name that could lead elsewhere.",
        )


def _fill(asked: Store, said: Mapping[str, Any], points: Path) -> str:
    """Make a new collection of what an export says; return its name."""
    name = _fresh(said["name"], asked.collections())
    body = dict(said["body"])
    if said.get("metadata"):
        body["metadata"] = said["metadata"]
    asked.ask("PUT", f"/collections/{name}", json=body)
    try:
        for field, schema in said["indexes"].items():
            index = {"field_name": field, "field_schema": schema}
            asked.ask("PUT", f"/collections/{name}/index?wait=true", json=index)
        for batch in _batches(points):
            asked.ask("PUT", f"/collections/{name}/points?wait=true", json={"points": batch})
        _judge(asked.count(name), said["points"], name)
    except BaseException:
        with suppress(BeastError):
            asked.ask("DELETE", f"/collections/{name}")
        raise
    return name


def _judge(found: int, expected: int, name: str) -> None:
    if found != expected:
        raise ArchiveError(f"{found} points arrived of {expected}", subject=name)


def _fresh(name: str, taken: list[str]) -> str:
    """Return *name*, or the next number of it that is free: `docs--2` after `docs--1`."""
    if name not in taken:
        return name
    base = name.rpartition("--")[0] or name
    number = 2
    while f"{base}--{number}" in taken:
        number += 1
    return f"{base}--{number}"


def _batches(points: Path) -> Iterator[list[Any]]:
    batch: list[Any] = []
    with points.open("rb") as lines:
        for line in lines:
            batch.append(json.loads(line))
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _remember(documents: Path, state: Path, name: str) -> None:
    """Tell the worker what it knew of the documents, under the new name of their collection."""
    rows = [json.loads(line) for line in documents.read_bytes().splitlines()]
    if rows and state.is_file():
        sqlite.put(state, TABLE, [{**row, "collection": name} for row in rows])


def _lead(asked: Store, aliases: list[str], name: str) -> None:
    """Have *aliases* lead to the collection *name*, all in one step."""
    there = asked.aliases()
    actions: list[dict[str, Any]] = []
    for alias in aliases:
        if alias in there:
            actions.append({"delete_alias": {"alias_name": alias}})
        actions.append({"create_alias": {"alias_name": alias, "collection_name": name}})
    if actions:
        asked.ask("POST", "/collections/aliases", json={"actions": actions})
