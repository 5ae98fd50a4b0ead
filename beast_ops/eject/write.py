# SPDX-License-Identifier: Apache-2.0
"""Make the folder: all of it, judged by Compose, or nothing."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from beast_ops import certificates, receipts
from beast_ops.cards import Services, read_services
from beast_ops.compose.project import CONFIG_SECONDS, environ, project
from beast_ops.errors import BeastError, CommandError, ConflictError
from beast_ops.files import PRIVATE, write_atomically
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.runner import LocalRunner, Runner

from .readme import Certificate, page
from .shape import shape

COMPOSE, README, IGNORED = "compose.yaml", "README.md", ".gitignore"
FOLDER, PUBLIC_FOLDER, PUBLIC_FILE = 0o700, 0o755, 0o644
CONTRACT = "services.json"  # what our own services read of the others


@dataclass(frozen=True, slots=True)
class Ejected:
    """What was made: the folder, the paths of its files, and the mounts that were left out."""

    folder: Path
    files: tuple[str, ...]
    dropped: tuple[str, ...]


def eject(place: Place, target: Path, runner: Runner | None = None) -> Ejected:
    """Write the release in force at *place* as plain Compose to *target*; what runs goes on.

    Args:
        place: The installation.
        target: A folder that is not there yet, or empty.
        runner: Runs Docker Compose.

    Raises:
        NotDeployedError: If no release is in force.
        ConflictError: If its runtime is not Compose, or *target* is taken or inside the root.
        BusyError: If another operation holds the installation.
        BeastError: If something cannot be read or written, or Compose refuses what was made.
    """
    services = read_services(place.require_deployed().services)
    _refuse_processes(services)
    _refuse_target(place, target)
    with lease(place.run, "eject"), receipts.recording(place.receipts, "eject") as kept:
        kept.release = place.current.resolve().name
        kept.details = {"folder": str(target)}
        try:
            return _write(place, services, target, runner or LocalRunner(place.root, environ()))
        except OSError as failed:
            raise BeastError(
                f"cannot make the folder: {failed.strerror}",
                subject=str(failed.filename or target),
                hint="Whoever deployed may read all that is needed; choose a folder with --to.",
            ) from failed


def _refuse_processes(services: Services) -> None:
    if services.runtime != "compose":
        raise ConflictError(
            "this installation runs processes of our own, which plain Compose has not",
            subject=services.root,
            hint="Bring its knowledge into containers first, and eject there: ./beast export FILE, "
            "then ./beast import FILE --inventory PATH with an installation in containers. "
            f"Its files stay in {services.data}.",
        )


def _refuse_target(place: Place, target: Path) -> None:
    if target.resolve().is_relative_to(place.root.resolve()):
        raise ConflictError(
            "a folder inside the installation would go with it",
            subject=str(target),
            hint="Choose another: ./beast eject --to FOLDER",
        )
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ConflictError(
            "this is there already, and nothing in it is touched",
            subject=str(target),
            hint="Choose another, or move it away: ./beast eject --to FOLDER",
        )


def _write(place: Place, services: Services, target: Path, runner: Runner) -> Ejected:
    found = shape(_merged(place, runner), services)
    target.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        for name, source in found.folders.items():
            _copy(source, made / name, secret=name.startswith("secrets/"))
        for path in made.glob(f"live/*/{CONTRACT}"):
            _without_host(path)
        text = yaml.safe_dump(dict(found.compose), sort_keys=False, width=1000)
        write_atomically(made / COMPOSE, text.encode())
        write_atomically(made / IGNORED, b"secrets/\ncompose.yaml\n")
        told = page(services, place.current.resolve().name, found, _certificates(made))
        write_atomically(made / README, told.encode())
        _judge(made, runner)
        made.rename(target)  # over an empty folder, too
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    files = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    return Ejected(target, tuple(files), found.dropped)


def _merged(place: Place, runner: Runner) -> dict[str, Any]:
    """Return the files of the release in force as Compose merges them, with all that it adds."""
    argv = project(place).argv("config")
    return dict(yaml.safe_load(runner.run(argv, seconds=CONFIG_SECONDS)))


def _judge(folder: Path, runner: Runner) -> None:
    words = ["--project-directory", str(folder), "--file", str(folder / COMPOSE)]
    try:
        runner.run(["docker", "compose", *words, "config", "--quiet"], seconds=CONFIG_SECONDS)
    except CommandError as failed:
        raise CommandError(
            f"Compose refuses what was made: {failed}", subject="docker compose"
        ) from failed


def _copy(source: Path, target: Path, *, secret: bool) -> None:
    """Copy the files of *source*; secrets with their owner, for their reader alone."""
    target.mkdir(parents=True)
    for path in (source, *sorted(source.rglob("*"))):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
            copy.chmod(FOLDER if secret else PUBLIC_FOLDER)
        elif path.is_file():
            write_atomically(copy, path.read_bytes(), PRIVATE if secret else PUBLIC_FILE)
        if secret and os.geteuid() == 0:
            found = path.stat()
            os.chown(copy, found.st_uid, found.st_gid)


def _without_host(path: Path) -> None:
    """Take what ran on the host out of what our own services know: they would miss it for ever."""
    services = read_services(path)
    stays = tuple(each for each in services if each.place != "host")
    text = services.model_copy(update={"services": stays}).model_dump_json(indent=2)
    write_atomically(path, f"{text}\n".encode(), PUBLIC_FILE)


def _certificates(folder: Path) -> Iterator[Certificate]:
    for path in sorted(folder.glob(f"secrets/*/{certificates.LEAF}")):
        ends = certificates.expires(path)
        if ends is not None:
            yield Certificate(str(path.relative_to(folder)), ends)
