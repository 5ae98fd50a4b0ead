# SPDX-License-Identifier: Apache-2.0
"""The verbs that begin an operation, and those that tell of them, of backups and of receipts."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

from beast_ops import receipts
from beast_ops.backup import names, shelf
from beast_ops.backup import restore as restoring
from beast_ops.backup.stage import Opening
from beast_ops.cards import read_services
from beast_ops.compose.logbook import redacted
from beast_ops.errors import ArchiveError, BeastError, ConflictError, MissingError, UsageError
from beast_ops.place import Place

from .operations import Operation, Operations, tail
from .protocol import Request

MESSAGE_CHARACTERS = 2000


def backup(place: Place, _: Request, operations: Operations) -> Any:
    """Begin a backup."""
    place.require_deployed()
    return _told(operations.begin("backup", ["backup"]))


def verify(place: Place, request: Request, operations: Operations) -> Any:
    """Begin to read a whole backup."""
    name = _backup(place, request)
    return _told(operations.begin("verify", ["verify", name], name))


def drill(place: Place, request: Request, operations: Operations) -> Any:
    """Begin a drill of a backup, of the newest if none is named."""
    place.require_deployed()
    name = _backup(place, request)
    return _told(operations.begin("drill", ["drill", "--name", name], name))


def restore(place: Place, request: Request, operations: Operations) -> Any:
    """Begin a restore, if the name of the backup was said twice; else only say what it would do.

    Raises:
        UsageError: If what should confirm it is something else.
        ConflictError: If it would end the agent, and itself with it.
    """
    name = _backup(place, request)
    words = ["restore", name, *(["--service", request.service] if request.service else [])]
    if not request.confirm:
        return _told(operations.begin("plan", [*words, "--dry-run"], name))
    if request.confirm != request.name or request.name == "newest":
        raise UsageError(
            "a restore replaces what is there, and was not confirmed",
            subject=name,
            hint=f"Say its name once more as confirm: {name}",
        )
    _survivable(place, name, request.service or "")
    return _told(operations.begin("restore", [*words, "--yes"], name))


def restart(name: str, operations: Operations) -> Any:
    """Begin to start the service *name* anew that waits for our answer itself."""
    return _told(operations.begin("restart", ["restart", name], name))


def listed(place: Place, request: Request, operations: Operations) -> Any:
    """Return the newest operations, without their output."""
    found = operations.ledger.newest()
    page = found[request.offset : request.offset + request.lines]
    del place
    return {"total": len(found), "operations": [_told(each) for each in page]}


def one(place: Place, request: Request, operations: Operations) -> Any:
    """Return an operation with the end of its output, without any of our secrets.

    Raises:
        UsageError: If none is named.
        MissingError: If there is none.
    """
    if request.name is None:
        raise UsageError("operation wants the name of one")
    found = operations.ledger.find(request.name)
    lines = tail(operations.ledger.output(found.id))
    text = redacted(place.secrets, "\n".join(lines))
    told = {**_told(found), "error": redacted(place.secrets, found.error)}
    return {**told, "output": text.split("\n") if text else []}


def backups(place: Place, request: Request, _: Operations) -> Any:
    """Return the backups, the newest first."""
    found = shelf.listed(place)
    return {
        "total": len(found),
        "backups": [
            {
                "name": each.name,
                "made": each.made.isoformat(),
                "bytes": each.size,
                "proven": each.proven or None,
                "encrypted": each.file.name.endswith(names.SECRET_SUFFIX),
            }
            for each in found[request.offset : request.offset + request.lines]
        ],
    }


def recorded(place: Place, request: Request, _: Operations) -> Any:
    """Return receipts, the newest first, of one kind of operation if one is named."""
    wanted = [
        (path.stem, receipt)
        for path, receipt in receipts.named(place.receipts)
        if request.name in {None, receipt.operation}
    ]
    page = islice(wanted, request.offset, request.offset + request.lines)
    return {
        "total": len(wanted),
        "receipts": [
            {
                "id": stem,
                **receipt.model_dump(mode="json", exclude={"version", "content", "checks"}),
                "message": redacted(place.secrets, receipt.message)[:MESSAGE_CHARACTERS],
            }
            for stem, receipt in page
        ],
    }


VERBS: Mapping[str, Callable[[Place, Request, Operations], Any]] = {
    "backup": backup,
    "backups": backups,
    "drill": drill,
    "operation": one,
    "operations": listed,
    "receipts": recorded,
    "restore": restore,
    "verify": verify,
}


def is_asker(place: Place, name: str) -> bool:
    """Return whether the service *name* is the API, which waits for our answer itself."""
    try:
        return read_services(place.services).api().name == name
    except BeastError:
        return False


def _backup(place: Place, request: Request) -> str:
    """Return the name of the backup that is asked for.

    Raises:
        MissingError: If there is none.
        ConflictError: If it is encrypted.
    """
    name = request.name or "newest"
    if name != "newest" and names.moment_of(name) is None:
        raise MissingError("there is no such backup", subject=name)
    file = shelf.named(place, name)
    if file.name.endswith(names.SECRET_SUFFIX):
        raise ConflictError(
            "this backup is encrypted, and its key is not ours to hold",
            subject=file.name,
            hint="Do it on the host, with: --identity FILE",
        )
    return names.base(file.name)


def _survivable(place: Place, name: str, service: str) -> None:
    """Return if a restore ends no process of the host.

    Raises:
        ConflictError: If it does: with another master key, everything is stopped first.
    """
    try:
        wanted = restoring.plan(place, Opening(shelf.named(place, name)), service)
    except ArchiveError:
        return  # the operation says so itself
    if wanted.other_key:
        raise ConflictError(
            "this backup has another master key, so everything is stopped to restore it",
            subject=name,
            hint=f"Do it on the host: ./beast restore {name}",
        )


def _told(operation: Operation) -> dict[str, Any]:
    return operation.model_dump(mode="json", exclude={"code"})
