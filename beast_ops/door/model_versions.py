# SPDX-License-Identifier: Apache-2.0
"""Keep, list and put back versions of models, and print what became of it."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beast_ops.errors import MissingError
from beast_ops.place import Place

from .model_disk import versions_folder
from .models import size
from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.models.shelf import Version
    from beast_ops.models.subjects import Subject
    from beast_ops.models.versions import Versions

FILES = (".gguf", ".safetensors", ".bin")
BEGINNINGS = ("/", "./", "../", "~")


def listed(place: Place, name: str, *, verify: bool, json: bool) -> int:
    """Print the versions; return 1 if *verify* found a damaged one."""
    versions = _versions(place)
    found = versions.all(_subject(place, name).model if name else "")
    bad = {each.sha256: versions.verify(each) for each in found} if verify else {}
    if json:
        emit({"versions": [_plain(each, bad) for each in found]})
    else:
        for each in found:
            line(_told(each) + ("  damaged" if bad.get(each.sha256) else ""))
        if not found:
            line("No version is kept. Keep one: ./beast models.snapshot NAME")
    return int(any(bad.values()))


def snapshot(place: Place, name: str, *, json: bool) -> None:
    """Keep the model *name* as it is now.

    Raises:
        MissingError: If it is not there.
        ModelError: If it is damaged.
    """
    kept = _versions(place).snapshot(_subject(place, name))
    if json:
        emit({"version": _plain(kept, {})})
        return
    line(f"{kept.model} is kept as version {kept.version}, {size(kept.bytes)}.")


def rollback(place: Place, name: str, wanted: str, *, json: bool) -> None:
    """Put a version of the model *name* back, after keeping what is there.

    Raises:
        MissingError: If there is no such version.
        ModelError: If it is damaged.
    """
    done = _versions(place).rollback(_subject(place, name), wanted)
    before = done.before
    if json:
        emit({"version": _plain(done.now, {}), "before": before and _plain(before, {})})
        return
    line(f"{done.now.model} is version {done.now.version} now.")
    if before is not None:
        line(f"Back again: ./beast models.rollback {name} --to {before.version}")


def forget(place: Place, name: str, wanted: str, *, json: bool) -> None:
    """Delete a version of the model *name*; the model itself stays.

    Raises:
        MissingError: If there is no such version.
    """
    gone = _versions(place).delete(_subject(place, name).model, wanted)
    if json:
        emit({"deleted": _plain(gone, {})})
        return
    line(f"Version {gone.version} of {gone.model} is deleted.")


def _versions(place: Place) -> "Versions":
    from beast_ops.models.versions import Versions

    return Versions(versions_folder(place))


def _subject(place: Place, name: str) -> "Subject":
    """Return the model that *name* means: a file, or one of an Ollama's store on this host.

    Raises:
        MissingError: If there is no store on this host.
        ModelError: If that is no name of a model.
    """
    from beast_ops.models.manifests import path_of
    from beast_ops.models.names import full
    from beast_ops.models.places import stores
    from beast_ops.models.subjects import FileSubject, StoreSubject

    path = Path(name).expanduser()
    if name.startswith(BEGINNINGS) or path.suffix.lower() in FILES:
        return FileSubject(path)
    roots = stores(place)
    for root in roots:
        if (root / "manifests" / path_of(full(name))).exists():
            return StoreSubject(root, name)
    if not roots:
        raise MissingError(
            "there is no store of an Ollama on this host",
            subject=name,
            hint="Say where it is: OLLAMA_MODELS=/some/where ./beast ..., or name a file.",
        )
    return StoreSubject(roots[0], name)


def _plain(version: "Version", bad: dict[str, list[str]]) -> dict[str, Any]:
    shown = {**asdict(version), "bytes": version.bytes}
    return {**shown, "damaged": bad[version.sha256]} if version.sha256 in bad else shown


def _told(version: "Version") -> str:
    when = datetime.fromtimestamp(version.kept, UTC).strftime("%Y-%m-%d %H:%M")
    return f"{version.version}  {when}  {size(version.bytes):>9}  {version.model}"
