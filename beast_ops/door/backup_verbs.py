# SPDX-License-Identifier: Apache-2.0
"""The verbs that keep data, and prove that they are kept."""

from collections.abc import Sequence
from typing import Any

from .verb import verb

_JSON = "print one JSON document, for machines"
_NAME = "its name, the path of a file, or: newest"
_IDENTITY = "file with the private key of age that opens it"
_LOCK = "file whose first line locks or opens the master key"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb(
    "./beast backup --days 30",
    there=True,
    iterable=["recipient"],
    help={
        "recipient": "public key of age that may read it; may be repeated",
        "store": "a repository of restic instead of a file",
        "passphrase_file": _LOCK,
        "without_key": "leave the master key out; the backup is then not complete",
        "all_models": "keep the files of all models, also of large ones",
        "days": "remove older backups afterwards",
        "count": "remove all but so many afterwards",
        "json": _JSON,
    },
    interrupted="Nothing is left of it. What runs was not touched.",
)
def backup(  # noqa: PLR0913 - each is an option of the verb
    _context: Any,
    *,
    recipient: Sequence[str] = (),
    store: str = "",
    passphrase_file: str = "",
    without_key: bool = False,
    all_models: bool = False,
    days: int = 0,
    count: int = 0,
    json: bool = False,
) -> int:
    """Keep everything that cannot be made again, as one file."""
    from . import backups

    asked = backups.Asked(
        tuple(recipient), store, passphrase_file, without_key, all_models, days, count
    )
    return backups.backup(_place(), asked, json=json)


@verb("./beast backups", there=True, help={"json": _JSON})
def backups(_context: Any, *, json: bool = False) -> None:
    """List the backups, newest first, and what was proven of each."""
    from .backups import listed

    listed(_place(), json=json)


@verb(
    "./beast verify newest", there=True, help={"name": _NAME, "identity": _IDENTITY, "json": _JSON}
)
def verify(_context: Any, name: str, *, identity: str = "", json: bool = False) -> None:
    """Read a whole backup, and tell whether it is what was written."""
    from .backups import verify as prove

    prove(_place(), name, identity, json=json)


@verb(
    "./beast restore newest --dry-run",
    there=True,
    help={
        "name": _NAME,
        "service": "only what is kept together with this service",
        "dry_run": "change nothing, say what would be replaced",
        "yes": "do not ask",
        "to": "another root for the installation, empty or not",
        "identity": _IDENTITY,
        "passphrase_file": _LOCK,
        "key": "file with the master key, if the backup has none",
        "json": _JSON,
    },
    interrupted="What ran before is in force, or what was restored; see: ./beast history",
)
def restore(  # noqa: PLR0913 - each is an option of the verb
    _context: Any,
    name: str,
    *,
    service: str = "",
    dry_run: bool = False,
    yes: bool = False,
    to: str = "",
    identity: str = "",
    passphrase_file: str = "",
    key: str = "",
    json: bool = False,
) -> int:
    """Put the data of a backup back, proven before they replace anything."""
    from . import restores

    asked = restores.Asked(name, service, to, identity, passphrase_file, key, dry_run, yes)
    return restores.restore(_place(), asked, json=json)


@verb(
    "./beast drill",
    there=True,
    help={"name": _NAME, "identity": _IDENTITY, "passphrase_file": _LOCK, "json": _JSON},
    interrupted="The stack was not touched. What is left is removed by the next drill.",
)
def drill(
    _context: Any,
    *,
    name: str = "newest",
    identity: str = "",
    passphrase_file: str = "",
    json: bool = False,
) -> int:
    """Restore a backup into a throwaway stack beside the real one, and prove it there."""
    from . import restores

    asked = restores.Asked(name, "", "", identity, passphrase_file)
    return restores.drill(_place(), asked, json=json)


@verb(
    "./beast export knowledge.tar.zst",
    there=True,
    iterable=["collection"],
    help={
        "file": "the file to write",
        "collection": "only this one; may be repeated",
        "json": _JSON,
    },
)
def export(_context: Any, file: str, *, collection: Sequence[str] = (), json: bool = False) -> None:
    """Write collections in a form that every store reads, embedded or not."""
    from .restores import export as act

    act(_place(), file, tuple(collection), json=json)


@verb(
    "./beast import knowledge.tar.zst",
    there=True,
    name="import",
    help={
        "file": "what export wrote",
        "replace": "have names that are taken lead to what is imported",
        "json": _JSON,
    },
)
def import_(_context: Any, file: str, *, replace: bool = False, json: bool = False) -> None:
    """Put exported collections into the store of this installation."""
    from .restores import bring

    bring(_place(), file, replace=replace, json=json)
