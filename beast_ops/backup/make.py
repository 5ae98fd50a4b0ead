# SPDX-License-Identifier: Apache-2.0
"""Make a backup: hold everything still for a moment, write one archive, say how it went."""

import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beast_ops import keys, receipts
from beast_ops.cards import Services, read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.lease import lease
from beast_ops.models.registry import registry_file
from beast_ops.place import Place

from . import contents, names, shelf
from .contents import InForce
from .entries import DATA
from .locking import lock
from .plan import Item, items
from .strategies import Held, Source, strategy
from .strategies.sqlite import HeldDatabase
from .strategies.volume import wake
from .targets import Target, opened, sweep
from .writer import ArchiveWriter

FORMAT = 1
WAIT_SECONDS = 60.0
MODEL_BYTES = 10**9
WORK = ".backup-"  # below the data: second names need the same file system


@dataclass(frozen=True, slots=True)
class Options:
    """How a backup is made.

    Attributes:
        target: Where it goes; `<root>/backups` if left out.
        passphrase: Under which the master key is kept; as it is if left out.
        keyless: Leave the master key out; the backup is then no complete one.
        model_bytes: Up to which size the files of a model are kept.
    """

    target: Target | None = None
    passphrase: str = field(default="", repr=False)
    keyless: bool = False
    model_bytes: int = MODEL_BYTES


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made.

    Attributes:
        name: Its name.
        file: Where it lies; `None` in a store.
        size: Bytes of the file.
        kept: Bytes of what is in it.
        seconds: How long it took.
        missing: What it lacks to be complete.
        left_out: What could not be kept, and why.
    """

    name: str
    file: Path | None
    size: int
    kept: int
    seconds: float
    missing: tuple[str, ...]
    left_out: tuple[str, ...]


def make(place: Place, options: Options, clock: Clock = SYSTEM) -> Made:
    """Back up the installation at *place*.

    Raises:
        NotDeployedError: If there is none.
        BusyError: If another operation holds it for longer than a minute.
        BeastError: If something cannot be read, or written; nothing is left of it then.
    """
    with lease(place.run, "backup", wait=WAIT_SECONDS, clock=clock):
        return make_held(place, options, clock)


def make_held(place: Place, options: Options, clock: Clock = SYSTEM) -> Made:
    """Do what `make` does for whoever holds the lease already."""
    release = contents.in_force(place)
    services = read_services(place.services)
    with receipts.recording(place.receipts, "backup", clock) as kept:
        kept.release, kept.content = release.name, release.record.content
        kept.versions = versions(services)
        made = _make(place, services, release, options, clock)
        kept.message = "; ".join(made.missing)
        kept.details = {
            "name": made.name,
            "bytes": made.size,
            "kept_bytes": made.kept,
            "missing": list(made.missing),
            "left_out": list(made.left_out),
        }
    return made


def versions(services: Services) -> dict[str, str]:
    """Return the image of each container of *services*."""
    return {each.name: each.image for each in services if each.image}


def _make(
    place: Place, services: Services, release: InForce, options: Options, clock: Clock
) -> Made:
    begun = clock.monotonic()
    target = options.target or Target(shelf.folder(place))
    sweep(target.folder)
    wake(place)
    name = names.fresh(clock.now(), shelf.taken(target.folder))
    locked, missing = _key(place, options)
    header = {
        "name": name,
        "created": clock.now().isoformat(timespec="seconds"),
        "complete": not missing,
        "missing": list(missing),
        **_header(place, services, release),
    }
    with _workspace(Path(services.data)) as work:
        source = Source(place, services, work, options.model_bytes)
        with opened(target, name) as sink, ExitStack() as held:
            writer = held.enter_context(ArchiveWriter(sink, header, compress=target.compressed))
            moment = hold(items(services), source, held)
            contents.add(writer, place, release, locked)
            _add_registry(writer, place, work)
            writer.finish({"items": write(moment, source, writer)})
            kept, left_out = writer.bytes, tuple(writer.left_out)
    file = shelf.find(target.folder, name) if not target.store else None
    size, seconds = file.stat().st_size if file else 0, clock.monotonic() - begun
    return Made(name, file, size, kept, seconds, missing, left_out)


def _add_registry(writer: ArchiveWriter, place: Place, work: Path) -> None:
    """Add what is known of models, if anything is; a scan may write meanwhile."""
    with closing(HeldDatabase(contents.REGISTRY, registry_file(place.models), work)) as held:
        held.release()
        held.write(writer)


def hold(wanted: Sequence[Item], source: Source, held: ExitStack) -> list[tuple[Item, Held]]:
    """Hold *wanted* still together, then let writers go on; *held* closes all of it."""
    moment = [
        (item, held.enter_context(closing(strategy(item).hold(item, source)))) for item in wanted
    ]
    for _, each in moment:
        each.release()
    return moment


def write(
    moment: Sequence[tuple[Item, Held]], source: Source, writer: ArchiveWriter
) -> list[dict[str, Any]]:
    """Put everything that is held into the archive; return what a restore must find."""
    folders: set[Path] = set()
    found = []
    for item, each in moment:
        _add_parents(writer, source.data, item, folders)
        found.append({**item.plain(), "facts": each.write(writer)})
    return found


def _add_parents(writer: ArchiveWriter, data: Path, item: Item, done: set[Path]) -> None:
    """Add the folders above what *item* is, once each: they have owners and modes, too."""
    path = Path(item.path)
    for parent in (*reversed(path.parents), path)[1:]:
        real = data / parent
        if parent not in done and real.is_dir() and not (parent == path and item.state.file):
            done.add(parent)
            writer.add_path(real.resolve(), f"{DATA}/{parent}")


def _key(place: Place, options: Options) -> tuple[bytes | None, tuple[str, ...]]:
    """Return the master key as it is kept, and what is missing then."""
    if options.keyless:
        return b"", ("the master key: without it nothing that is encrypted can be read",)
    if not options.passphrase:
        return None, ()
    master = (place.secrets / keys.MASTER).read_bytes()
    return lock(master, options.passphrase), ()


def _header(place: Place, services: Services, release: InForce) -> Mapping[str, Any]:
    """Return what an archive says of where it is from."""
    from beast_ops import __version__

    return {
        "format": FORMAT,
        "host": socket.gethostname(),
        "version": __version__,
        "project": services.project,
        "runtime": services.runtime,
        "root": str(place.root),
        "generation": release.record.generation,
        "release": release.name,
        "environment": release.record.venv,
        "versions": versions(services),
        "key": contents.canary((place.secrets / keys.MASTER).read_bytes()),
        "items": [item.plain() for item in items(services)],
    }


@contextmanager
def _workspace(data: Path) -> Iterator[Path]:
    """Yield a folder beside the data; what killed backups left there goes first."""
    for left in data.glob(f"{WORK}*"):
        shutil.rmtree(left, ignore_errors=True)
    work = Path(tempfile.mkdtemp(prefix=WORK, dir=data))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)
