# SPDX-License-Identifier: Apache-2.0
"""The verbs that run playbooks."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from beast_ops.clock import SYSTEM, stamp
from beast_ops.files import write_atomically
from beast_ops.place import Place

from . import sets
from .inventory import INVENTORY, found, logs, settings
from .playbook import CLONE, Playbook, run
from .progress import Progress

KEPT_LOGS = 50


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """How a deploy is asked for.

    Attributes:
        inventory: Path of the inventory, from the current folder or the clone.
        sets: Words of the form `name=value`.
        verbose: Show everything Ansible prints.
        acknowledge: The version up to which the user knows what changed; may be empty.
    """

    inventory: str = INVENTORY
    sets: tuple[str, ...] = field(default_factory=tuple)
    verbose: bool = False
    acknowledge: str = ""

    def wish(self, **said: Any) -> dict[str, Any]:
        """Return the variable that asks for *said*, and says what is acknowledged."""
        known = {"acknowledged": self.acknowledge} if self.acknowledge else {}
        return {"upgrade_wish": {**said, **known}} if said or known else {}


def deploy(place: Place, options: DeployOptions) -> int:
    """Make the machine match the inventory, prove it, and say how it went; return the exit code.

    Raises:
        SettingsError: If a word of `sets` is no setting.
        BeastError: If the playbook failed; the settings are as they were before.
    """
    own = settings(place, options.inventory)
    changes = sets.parse(CLONE, options.sets)
    with sets.proposed(own, changes) as draft, logged(place, "deploy", options) as log:
        inventory, wish = str(found(options.inventory)), options.wish()
        playbook = Playbook("site", inventory, place.root, settings=draft, variables=wish)
        progress = follow(playbook, log, Progress(place.root))
        if draft is not None:
            sets.keep(own, draft)
    progress.show_end(place)
    return 0


def plan(place: Place, options: DeployOptions) -> int:
    """Show what `deploy` would change, and change nothing; return the exit code.

    Raises:
        SettingsError: If a word of `sets` is no setting.
        BeastError: If the deploy would be refused.
    """
    progress = _planned(place, options)
    progress.show_plan()
    return 0


def render(place: Place, folder: Path, options: DeployOptions) -> list[Path]:
    """Write the files of the release that `deploy` would make into *folder*; start nothing.

    Raises:
        SettingsError: If a word of `sets` is no setting.
        BeastError: If the deploy would be refused.
    """
    progress = _planned(place, options)
    shipment = progress.plan["shipment"]
    files = {
        **shipment["files"],
        **{f"config/{path}": text for path, text in shipment["config"].items()},
    }
    written = []
    for name, text in sorted(files.items()):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, text.encode(), 0o644)
        written.append(target)
    return written


def _planned(place: Place, options: DeployOptions) -> Progress:
    """Run the deploy as a rehearsal and return what it told."""
    own = settings(place, options.inventory)
    with sets.proposed(own, sets.parse(CLONE, options.sets)) as draft, quietly(options) as log:
        inventory = str(found(options.inventory))
        wish = options.wish()
        playbook = Playbook(
            "site", inventory, place.root, check=True, settings=draft, variables=wish
        )
        return follow(playbook, log, Progress(place.root, says_steps=False))


def remove(place: Place, options: DeployOptions, *, data: bool, dry_run: bool = False) -> int:
    """Take the installation away, keeping data unless told otherwise; return the exit code.

    Raises:
        BeastError: If something else holds the installation, or it could not be removed.
    """
    playbook = Playbook(
        "remove",
        str(found(options.inventory)),
        place.root,
        check=dry_run,
        variables={"remove_data": data},
    )
    with quietly(options) as log:
        progress = follow(playbook, log, Progress(place.root, says_steps=False))
    progress.show_removal(dry_run=dry_run)
    return 0


def follow(playbook: Playbook, log: IO[bytes] | None, progress: Progress) -> Progress:
    """Run *playbook* and let *progress* take what it tells; return that."""
    for event in run(playbook, log):
        progress.take(event)
    return progress


@contextmanager
def quietly(options: DeployOptions) -> Iterator[IO[bytes] | None]:
    """Yield where output goes that nobody needs afterwards; `None` is the terminal."""
    if options.verbose:
        yield None
        return
    with tempfile.TemporaryFile() as log:
        yield log


@contextmanager
def logged(place: Place, operation: str, options: DeployOptions) -> Iterator[IO[bytes] | None]:
    """Yield a log that ends up where logs of this inventory are kept.

    It is kept elsewhere until then: a deploy that is refused changes nothing.
    """
    if options.verbose:
        yield None
        return
    began = stamp(SYSTEM.now())
    with tempfile.NamedTemporaryFile(prefix="beast-") as log:
        try:
            yield log
        finally:
            log.flush()
            folder = logs(place, options.inventory)
            if folder is not None:
                log.seek(0)
                write_atomically(folder / f"{began}-{operation}.log", log.read())
                _prune_logs(folder)


def _prune_logs(folder: Path) -> None:
    for path in sorted(folder.glob("[0-9]*T[0-9]*Z-*.log"), reverse=True)[KEPT_LOGS:]:
        path.unlink(missing_ok=True)
