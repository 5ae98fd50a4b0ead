# SPDX-License-Identifier: Apache-2.0
"""The group of verbs `models`: one short function each."""

from collections.abc import Sequence
from typing import Any

from beast_ops.door.verb import verb

_JSON = "print one JSON document, for machines"
_MAX_GB = "how large it may be, in GB"
_LIMIT = "how many to show at most"
_SUBJECT = "a model of the model server, such as llama3.2:3b, or the path of a file"
_VERSION = "the version, or how it begins, as models.versions has it"
_NAME = "such as llama3.2:3b; the newest is meant without a tag"


def _place() -> Any:
    from beast_ops.place import installation

    return installation()


@verb("./beast models.list", name="list", there=True, help={"json": _JSON})
def list_(_context: Any, *, json: bool = False) -> None:
    """Show the models on disk, and which of them are in memory."""
    from beast_ops.door.models import listed

    listed(_place(), json=json)


@verb(
    "./beast models.pull llama3.2:3b",
    there=True,
    help={"name": _NAME, "force": "even if it cannot fit on this host", "json": _JSON},
    interrupted="It is fetched without you. To see how far it is, run the same command again.",
)
def pull(_context: Any, name: str, *, force: bool = False, json: bool = False) -> None:
    """Fetch a model to the model server, unless it cannot fit on this host."""
    from beast_ops.door.models import pull as act

    if not force:
        from beast_ops.fit.answer import refuse

        refuse(_place().require_deployed(), name, "--force")
    act(_place(), name, force=force, json=json)


@verb("./beast models.rm llama3.2:3b", there=True, help={"name": _NAME, "json": _JSON})
def rm(_context: Any, name: str, *, json: bool = False) -> None:
    """Delete a model from the disk of the model server."""
    from beast_ops.door.models import remove

    remove(_place(), name, json=json)


@verb(
    "./beast models.show llama3.2:3b",
    there=True,
    help={"name": "as models.search has it", "json": _JSON},
)
def show(_context: Any, name: str, *, json: bool = False) -> None:
    """Show all that is known of a model, each value with its source."""
    from beast_ops.door.registry import show as show_one

    show_one(_place(), name, json=json)


@verb(
    "./beast models.search coder --family qwen --max-gb 8",
    there=True,
    joined="text",
    iterable=["tag"],
    help={
        "text": "words, or how they begin, that must all be there; or none: ''",
        "family": "llama, mistral, gemma, phi, qwen, deepseek, sdxl, flux, whisper or other",
        "tag": "a tag or task that it must have; repeatable",
        "max_gb": _MAX_GB,
        "limit": _LIMIT,
        "json": _JSON,
    },
)
def search(
    _context: Any,
    text: str,
    *,
    family: str = "",
    tag: Sequence[str] = (),
    max_gb: str = "",
    limit: int = 20,
    json: bool = False,
) -> int:
    """Search the registry of models, those that are not here included."""
    from beast_ops.door.registry import search as find

    options = {"family": family, "tag": tag, "max_gb": max_gb, "limit": limit}
    return find(_place(), text, options, json=json)


@verb(
    "./beast models.recommend chat --max-gb 8",
    there=True,
    help={
        "task": "chat, code, image, embedding or speech",
        "max_gb": _MAX_GB,
        "min_rating": "how well it must be rated, from 0 to 5; those without a rating do not fit",
        "limit": _LIMIT,
        "json": _JSON,
    },
)
def recommend(
    _context: Any,
    task: str,
    *,
    max_gb: str = "",
    min_rating: str = "",
    limit: int = 3,
    json: bool = False,
) -> int:
    """Say which models to take for a task, and why."""
    from beast_ops.door.registry import recommend as advise

    options = {"max_gb": max_gb, "min_rating": min_rating, "limit": limit}
    return advise(_place(), task, options, json=json)


@verb(
    "./beast models.scan --folder ~/models",
    there=True,
    iterable=["folder"],
    help={
        "folder": "a folder with GGUF files, looked into by every scan from now on; repeatable",
        "hash": "read all files whole, not only those that are as large as others",
        "json": _JSON,
    },
)
def scan(
    _context: Any,
    *,
    folder: Sequence[str] = (),
    hash: bool = False,  # noqa: A002 - the name of the option
    json: bool = False,
) -> None:
    """Look which models lie on this host's disks, and note them in the registry."""
    from beast_ops.door.model_disk import scan as look

    look(_place(), folder, every=hash, json=json)


@verb("./beast models.disk", there=True, help={"json": _JSON})
def disk(_context: Any, *, json: bool = False) -> None:
    """Show how much room models take on this host's disks, and what lies there twice."""
    from beast_ops.door.model_disk import disk as show_room

    show_room(_place(), json=json)


@verb(
    "./beast models.export models.json",
    optional=("file",),
    help={
        "file": "where it is written; printed when left out",
        "everything": "also the catalogue and what scans found, not only what was registered",
    },
)
def export(_context: Any, file: str = "", *, everything: bool = False) -> None:
    """Write the models that were registered here as JSON."""
    from beast_ops.door.registry import export as write

    write(_place(), file, everything=everything)


@verb(
    "./beast models.import models.json",
    name="import",
    help={"file": "what models.export wrote, or written by hand", "json": _JSON},
)
def import_(_context: Any, file: str, *, json: bool = False) -> None:
    """Register models from a JSON document, in place of those of the same ids."""
    from beast_ops.door.registry import bring_in

    bring_in(_place(), file, json=json)


@verb(
    "./beast models.versions llama3.2:3b --verify",
    there=True,
    optional=("name",),
    help={
        "name": f"{_SUBJECT}; all when left out",
        "verify": "read them whole, and say which are damaged",
        "json": _JSON,
    },
)
def versions(_context: Any, name: str = "", *, verify: bool = False, json: bool = False) -> int:
    """Show which versions of models are kept."""
    from beast_ops.door.model_versions import listed as show_versions

    return show_versions(_place(), name, verify=verify, json=json)


@verb("./beast models.snapshot llama3.2:3b", there=True, help={"name": _SUBJECT, "json": _JSON})
def snapshot(_context: Any, name: str, *, json: bool = False) -> None:
    """Keep a model as it is now, without a second copy; the newest five are kept."""
    from beast_ops.door.model_versions import snapshot as keep

    keep(_place(), name, json=json)


@verb(
    "./beast models.rollback llama3.2:3b --to 1a2b3c4d",
    there=True,
    help={"name": _SUBJECT, "to": f"{_VERSION}; the one before when left out", "json": _JSON},
)
def rollback(_context: Any, name: str, *, to: str = "", json: bool = False) -> None:
    """Put a version of a model back; what is there now is kept first."""
    from beast_ops.door.model_versions import rollback as put_back

    put_back(_place(), name, to, json=json)


@verb(
    "./beast models.forget llama3.2:3b 1a2b3c4d",
    there=True,
    help={"name": _SUBJECT, "version": _VERSION, "json": _JSON},
)
def forget(_context: Any, name: str, version: str, *, json: bool = False) -> None:
    """Delete a version of a model; the model itself stays."""
    from beast_ops.door.model_versions import forget as delete

    delete(_place(), name, version, json=json)
