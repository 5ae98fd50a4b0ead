# SPDX-License-Identifier: Apache-2.0
"""The registry: every model that is known, and where those lie that are here."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, bindparam, delete, insert, select, text
from sqlalchemy.dialects.sqlite import insert as upsert

from beast_ops.clock import SYSTEM, Clock
from beast_ops.database import Database
from beast_ops.errors import MissingError
from beast_ops.place import Place

from .catalogue import catalogue, mark
from .entry import BEST_RATING, Entry, Instance, Origin
from .find import Wanted, matches, scale
from .names import full
from .schema import INSTANCES, MODELS, NOTES, SCHEMA, TAGS

_of, _at = MODELS.c, INSTANCES.c
_SHOWN = (
    *(_of.id, _at.path, _at.location, _at.bytes, _at.sha256, _at.installed),
    *(_at.last_used, _at.uses, _at.file),
)
_row = upsert(MODELS)
_PUT = _row.on_conflict_do_update(
    index_elements=["id"],
    set_={name: _row.excluded[name] for name in _of.keys() if name not in {"number", "id"}},  # noqa: SIM118 - names of columns, not columns
).returning(_of.number)
_DROP = delete(MODELS).where(_of.number == bindparam("model"))
_UNTAG = delete(TAGS).where(TAGS.c.model == bindparam("found"))
_FORGET_WORDS = text("DELETE FROM words WHERE rowid = :number")
_WORDS = text(
    "INSERT INTO words (rowid, id, tags, about, family, scale) "
    "VALUES (:number, :id, :tags, :about, :family, :scale)"
)


class Registry:
    """The models of an installation; safe for several threads and processes."""

    def __init__(self, path: Path, clock: Clock = SYSTEM) -> None:
        """Open the registry in the file *path*; it is made if it is missing.

        Raises:
            DatabaseError: If it cannot be opened, or is damaged.
            DatabaseBusyError: If another process does not let go of it.
            DatabaseFullError: If there is no room.
        """
        self._database, self._clock = Database(path, SCHEMA), clock

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close the file."""
        self._database.close()

    def register(self, entries: Iterable[Entry], origin: Origin = "own") -> int:
        """Keep *entries*, in place of those of the same ids; all of them, or none.

        Returns:
            How many there were.
        """
        with self._database.writing() as table:
            return self.register_on(table, entries, origin)

    def register_on(self, table: Connection, entries: Iterable[Entry], origin: Origin) -> int:
        """Do what `register` does inside the transaction of *table*."""
        count, now = 0, self._clock.now().timestamp()
        for entry in entries:
            _put(table, entry, origin, now)
            count += 1
        return count

    def seed(self, entries: Callable[[], Iterable[Entry]], mark: str) -> None:
        """Have the catalogue in, unless it is: nothing that a user registered is changed.

        Args:
            entries: Returns the catalogue.
            mark: What tells this catalogue from others.
        """
        noted = select(NOTES.c.value).where(NOTES.c.name == SEEDED)
        with self._database.reading() as table:
            if table.execute(noted).scalar() == mark:
                return
        with self._database.writing() as table:
            own = set(table.execute(select(_of.id).where(_of.origin == "own")).scalars())
            wanted = {entry.id: entry for entry in entries() if entry.id not in own}
            old = select(_of.number, _of.id).where(_of.origin == "catalogue")
            for number, name in table.execute(old).all():
                if name not in wanted:
                    _drop(table, number)
            self.register_on(table, wanted.values(), "catalogue")
            note = upsert(NOTES).values(name=SEEDED, value=mark)
            table.execute(note.on_conflict_do_update(set_={"value": mark}))

    def get(self, name: str) -> Entry:
        """Return the model of that id; the newest is meant without a tag.

        Raises:
            MissingError: If it is not known.
        """
        wanted = select(_of.entry).where(_of.id.in_((name, full(name))))
        with self._database.reading() as table:
            found = table.execute(wanted.order_by(_of.id)).scalars().first()
        if found is None:
            raise _unknown(name)
        return Entry.model_validate_json(found)

    def search(self, wanted: Wanted) -> list[Entry]:
        """Return the models that fit *wanted*, the best first."""
        with self._database.reading() as table:
            return [Entry.model_validate_json(found) for found in matches(table, wanted)]

    def all(self, origins: Iterable[Origin] = ("catalogue", "own", "found")) -> Iterator[Entry]:
        """Yield all models of these *origins*, by id."""
        wanted = select(_of.entry).where(_of.origin.in_(tuple(origins))).order_by(_of.id)
        with self._database.reading() as table:
            for found in table.execute(wanted).scalars():
                yield Entry.model_validate_json(found)

    def remove(self, name: str) -> None:
        """Forget the model of that id, and where it lies; its files stay.

        Raises:
            MissingError: If it is not known.
        """
        with self._database.writing() as table:
            number = table.execute(select(_of.number).where(_of.id == name)).scalar()
            if number is None:
                raise _unknown(name)
            _drop(table, number)

    def instances(self, name: str = "") -> list[Instance]:
        """Return where models lie, by path; only those of the model *name* if it is given."""
        wanted = select(*_SHOWN).join(MODELS, _of.number == _at.model)
        if name:
            wanted = wanted.where(_of.id == name)
        with self._database.reading() as table:
            rows = table.execute(wanted.order_by(_at.path, _of.id)).all()
        return [Instance(*row) for row in rows]

    def folders(self, more: Iterable[Path] = ()) -> list[Path]:
        """Return the folders that scans look into, *more* of them from now on.

        One that is not there any more is forgotten.
        """
        noted = select(NOTES.c.value).where(NOTES.c.name == FOLDERS)
        with self._database.writing() as table:
            known = json.loads(table.execute(noted).scalar() or "[]")
            found = dict.fromkeys([*map(Path, known), *(path.resolve() for path in more)])
            here = [path for path in found if path.is_dir()]
            value = json.dumps([str(path) for path in here])
            note = upsert(NOTES).values(name=FOLDERS, value=value)
            table.execute(note.on_conflict_do_update(set_={"value": value}))
        return here

    @property
    def database(self) -> Database:
        """The file, for those who write what a scan found."""
        return self._database


SEEDED, FOLDERS = "catalogue", "folders"


def open_registry(place: Place) -> Registry:
    """Open the registry of the installation at *place*, with the catalogue in it."""
    registry = Registry(registry_file(place.models))
    registry.seed(catalogue, mark())
    return registry


def registry_file(folder: Path) -> Path:
    """Return where the registry lies below *folder*, which is the one for models."""
    return folder / "registry.sqlite"


def _put(table: Connection, entry: Entry, origin: Origin, now: float) -> None:
    row = {
        "id": entry.id,
        "origin": origin,
        "family": entry.family,
        "parameters": entry.parameters,
        "size": entry.least,
        "weight": _weight(entry),
        "entry": entry.model_dump_json(exclude_defaults=True),
        "changed": now,
    }
    number = table.execute(_PUT, row).scalar_one()
    table.execute(_UNTAG, {"found": number})
    tags = sorted({tag.casefold() for tag in (*entry.tasks, *entry.tags)})
    if tags:
        table.execute(insert(TAGS), [{"tag": tag, "model": number} for tag in tags])
    table.execute(_FORGET_WORDS, {"number": number})
    table.execute(_WORDS, {"number": number, **_words(entry, tags)})


def _words(entry: Entry, tags: list[str]) -> dict[str, Any]:
    about = (entry.description, entry.use, entry.author, entry.license, entry.quantization)
    known = (*about, *entry.languages, *entry.modalities)
    return {
        "id": f"{entry.id} {entry.name}",
        "tags": " ".join(tags),
        "about": " ".join(filter(None, known)),
        "family": entry.family,
        "scale": scale(entry.least, entry.parameters),
    }


def _weight(entry: Entry) -> float:
    """Return how much a model should come first: the better rated, then the better known."""
    known = (entry.downloads or 0) / (1.0 + (entry.downloads or 0))
    return -((entry.rating or 0.0) / BEST_RATING + known)


def _drop(table: Connection, number: int) -> None:
    table.execute(_FORGET_WORDS, {"number": number})
    table.execute(_DROP, {"model": number})


def drop_found(table: Connection) -> None:
    """Forget the models that only a scan knew, and that are nowhere any more."""
    here = select(_at.model).where(_at.model == _of.number)
    gone = select(_of.number).where(_of.origin == "found", ~here.exists())
    for number in table.execute(gone).scalars().all():
        _drop(table, number)


def as_json(entry: Entry) -> dict[str, Any]:
    """Return *entry* as a machine reads it, without what is unknown."""
    found: dict[str, Any] = json.loads(entry.model_dump_json(exclude_defaults=True))
    return found


def _unknown(name: str) -> MissingError:
    return MissingError(
        "the registry does not know this model",
        subject=name[:200],
        hint="See what there is: ./beast models.search",
    )
