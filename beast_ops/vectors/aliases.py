# SPDX-License-Identifier: Apache-2.0
"""Other names of collections, changed all at once or not at all."""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

import orjson

from beast_ops.files import write_atomically

from .errors import malformed, missing, wrong
from .fields import Fields


class Aliases:
    """The map from alias to collection, durable after each change."""

    def __init__(self, path: Path, collections: Container[str]) -> None:
        """Read *path*; aliases of what is not among the *collections* are dropped."""
        self._path, self._collections = path, collections
        known = orjson.loads(path.read_bytes()) if path.exists() else {}
        self._names: dict[str, str] = {
            alias: name for alias, name in known.items() if name in collections
        }

    def __contains__(self, alias: str) -> bool:
        """Tell whether there is such an alias."""
        return alias in self._names

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Yield alias and collection."""
        return iter(sorted(self._names.items()))

    def get(self, alias: str, default: str) -> str:
        """Return the collection of *alias*, or *default*."""
        return self._names.get(alias, default)

    def forget(self, collection: str) -> None:
        """Drop the aliases of a deleted *collection*."""
        kept = {alias: name for alias, name in self._names.items() if name != collection}
        if kept != self._names:
            self._save(kept)

    def change(self, body: Any) -> None:
        """Carry out the `actions` of *body* in order: all of them, or none if one is refused."""
        fields = Fields(body, "")
        actions = fields.need("actions", list)
        fields.done()
        names = dict(self._names)
        for n, each in enumerate(actions):
            self._act(names, Fields(each, f"actions[{n}]"))
        self._save(names)

    def _act(self, names: dict[str, str], action: Fields) -> None:
        for kind, act in ACTIONS.items():
            if kind in action:
                inner = Fields(action.raw(kind), action.at(kind))
                action.done()
                act(self, names, inner)
                return
        raise malformed(f"{action.where}: expected one of {', '.join(ACTIONS)}")

    def _create(self, names: dict[str, str], inner: Fields) -> None:
        collection, alias = inner.need("collection_name", str), inner.need("alias_name", str)
        inner.done()
        if collection not in self._collections:
            raise missing(f"Collection `{collection}` doesn't exist!")
        self._free(alias)
        names[alias] = collection

    def _delete(self, names: dict[str, str], inner: Fields) -> None:
        alias = inner.need("alias_name", str)
        inner.done()
        names.pop(alias, None)

    def _rename(self, names: dict[str, str], inner: Fields) -> None:
        old, new = inner.need("old_alias_name", str), inner.need("new_alias_name", str)
        inner.done()
        if old not in names:
            raise missing(f"Alias {old} does not exists!")
        self._free(new)
        names[new] = names.pop(old)

    def _free(self, alias: str) -> None:
        if alias in self._collections:
            raise wrong(f"Collection `{alias}` already exists!")

    def _save(self, names: dict[str, str]) -> None:
        write_atomically(self._path, orjson.dumps(names))
        self._names = names


ACTIONS = {
    "create_alias": Aliases._create,  # noqa: SLF001 - the class's own table
    "delete_alias": Aliases._delete,  # noqa: SLF001 - likewise
    "rename_alias": Aliases._rename,  # noqa: SLF001 - likewise
}
