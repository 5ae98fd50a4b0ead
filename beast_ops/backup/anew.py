# SPDX-License-Identifier: Apache-2.0
"""Make an installation of nothing but an archive, and the key if that is not in it."""

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beast_ops import keys
from beast_ops.errors import BeastError, CommandError, ConflictError
from beast_ops.evals.questions import FOLDER as EVALS
from beast_ops.files import sync_folder, write_atomically
from beast_ops.place import Place
from beast_ops.release import environment
from beast_ops.release.hands import Hands
from beast_ops.release.land import land
from beast_ops.release.remote import installer

from . import contents, generations, reship, shelf
from .contents import OWN, REGISTRY
from .extract import extract
from .stage import Opening, Stage, fill, unpack

if TYPE_CHECKING:
    from .restore import Plan

WHEEL, LOCK = "*.whl", "stack.txt"


def prepare(
    place: Place, opening: Opening, hands: Hands, wanted: "Plan", folder: Path
) -> tuple[str, list[dict[str, Any]]]:
    """Land the release of an archive at *place*, with its environment, its secrets and its data.

    Returns:
        The name of that release, and what was looked at.

    Raises:
        ConflictError: If secrets of another installation are here.
        CommandError: If the environment cannot be made.
    """
    del wanted
    stage = unpack(opening, folder)
    packed = reship.read(stage.folder / "release", stage.folder / "config")
    _provide_secrets(place, stage)
    _provide_environment(place, stage.folder / "source", packed.record.venv)
    _provide_own(place, stage)
    generation = generations.fresh(place)
    stage.data.rename(place.data / generation)
    sync_folder(place.data)
    try:
        shipment = reship.ship(
            packed, generation, root=str(place.root), versions=keys.versions(place.secrets)
        )
        release = land(place, shipment)
        hands.prepare(place, release)
        here = reship.read(place.releases / release, place.config)
        filled = Stage(
            stage.folder, place.data / generation, stage.summary, stage.items, stage.master
        )
        return release, fill(filled, place, place.releases / release, here)
    except BaseException:
        shutil.rmtree(place.data / generation, ignore_errors=True)
        raise


def _provide_secrets(place: Place, stage: Stage) -> None:
    """Put the keys of the archive here, unless they are here already.

    Raises:
        ConflictError: If others are.
    """
    place.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = place.secrets / keys.MASTER
    if path.exists():
        if contents.canary(path.read_bytes()) != stage.summary.header["key"]:
            raise ConflictError(
                "secrets of another installation are here",
                subject=str(path),
                hint="Restore into another folder (--to), or move these away first.",
            )
        return
    for name in (keys.VERSIONS, keys.GIVEN, "ca"):
        source, target = stage.folder / "keys" / name, place.secrets / name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        elif source.is_file():
            write_atomically(target, source.read_bytes())
    write_atomically(path, stage.master)


def interpreter(place: Place, opening: Opening) -> Path:
    """Make the environment of an archive at *place*; return its interpreter.

    What is restored there is restored by the version that runs it then.

    Raises:
        ArchiveError: If the archive is not whole.
        CommandError: If the environment cannot be made.
    """
    with tempfile.TemporaryDirectory(prefix="beast-") as work:
        folder = Path(work) / "archive"
        with shelf.reading(opening.file, opening.identity) as raw:
            summary = extract(raw, folder, _source_alone)
        name = str(summary.header["environment"])
        _provide_environment(place, folder / "source", name)
    return place.venv / name / "bin" / "python"


def _source_alone(name: str) -> str | None:
    return name if name.startswith("source/") else None


def _provide_environment(place: Place, source: Path, name: str) -> None:
    wheel = next(source.glob(WHEEL), None)
    if wheel is None or not (source / LOCK).is_file():
        raise BeastError("this backup does not hold what its environment is made of")
    others = [path for path in sorted(source.iterdir()) if path not in {wheel, source / LOCK}]
    files = [wheel, source / LOCK, *others]
    try:
        environment.make(place.root, name, installer("local") or "uv", files)
    except environment.InstallError as failed:
        raise CommandError(str(failed).rstrip("."), subject=str(place.venv)) from failed


def _provide_own(place: Place, stage: Stage) -> None:
    """Put settings, golden questions, what is known of models and receipts here if they are not."""
    sources = [(stage.folder / "own" / name, place.root) for name in OWN]
    for inner, target in ((EVALS, place.root / EVALS), ("receipts", place.receipts)):
        found = sorted((stage.folder / inner).glob("*"))
        sources += [(path, target) for path in found]
        if found or target == place.receipts:
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
    registry = stage.folder / REGISTRY
    if registry.is_file():
        place.models.mkdir(mode=0o700, parents=True, exist_ok=True)
        sources.append((registry, place.models))
    for path, folder in sources:
        if path.is_file() and not (folder / path.name).exists():
            write_atomically(folder / path.name, path.read_bytes())
