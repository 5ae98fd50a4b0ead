# SPDX-License-Identifier: Apache-2.0
"""Ask before a restore, print how it went; the same for drills."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .backups import first_line
from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.backup.restore import Plan
    from beast_ops.backup.stage import Opening


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `./beast restore`; see there."""

    name: str
    service: str = ""
    to: str = ""
    identity: str = ""
    passphrase_file: str = ""
    key: str = ""
    dry_run: bool = False
    yes: bool = False


def restore(place: Place, asked: Asked, *, json: bool) -> int:
    """Say what would be replaced, ask, restore, and say how it went; return the exit code.

    Raises:
        UsageError: If nobody is there to ask, and nothing said yes.
        BeastError: Whatever a restore runs into.
    """
    from beast_ops.backup import restore as restoring
    from beast_ops.backup import shelf
    from beast_ops.events.host import telling
    from beast_ops.release.__main__ import hands

    opening = _opening(place, asked)
    target = Place(Path(os.path.abspath(asked.to))) if asked.to else place  # noqa: PTH100 - links stay
    wanted = restoring.plan(target, opening, asked.service)
    if asked.dry_run:
        shelf.prove(opening.file, opening.identity)
        _show(target, wanted, json=json)
        return 0
    if not asked.yes:
        _show(target, wanted, json=False)
        _ask()
    if wanted.anew and (code := _continued(target, opening, asked, json=json)) is not None:
        return code
    with telling(target, "restore", backup=wanted.header["name"]):
        done = restoring.restore(target, opening, hands(), asked.service)
    if json:
        emit({"name": wanted.header["name"], "release": done.release, "seconds": done.seconds})
        return 0
    line(f"Restored {wanted.header['name']}: release {done.release} is in force and proven.")
    if done.note:
        line(done.note)
    return 0


def _opening(place: Place, asked: Asked) -> "Opening":
    from beast_ops.backup import shelf
    from beast_ops.backup.stage import Opening

    passphrase = first_line(asked.passphrase_file)
    return Opening(shelf.named(place, asked.name), asked.identity, passphrase, asked.key)


def _continued(place: Place, opening: "Opening", asked: Asked, *, json: bool) -> int | None:
    """Go on with the version that is restored, if that is not ours; return its exit code."""
    from beast_ops.backup import anew

    python = anew.interpreter(place, opening)
    if Path(sys.prefix).resolve() == python.parent.parent.resolve():
        return None
    words = [
        *("restore", str(opening.file.resolve()), "--yes"),
        *(("--identity", asked.identity) if asked.identity else ()),
        *(("--passphrase-file", asked.passphrase_file) if asked.passphrase_file else ()),
        *(("--key", asked.key) if asked.key else ()),
        *(("--json",) if json else ()),
    ]
    sys.stdout.flush()
    return os.spawnve(  # noqa: S606 - our own interpreter, no shell
        os.P_WAIT,
        python,
        [str(python), "-I", "-m", "beast_ops.cli", *words],
        {**os.environ, "BEAST_ROOT": str(place.root)},
    )


def _show(place: Place, wanted: "Plan", *, json: bool) -> None:
    if json:
        emit(
            {
                "root": str(place.root),
                "header": dict(wanted.header),
                "replaced": [path for _, path in wanted.wanted],
                "carried": list(wanted.carried),
                "other_key": wanted.other_key,
                "anew": wanted.anew,
            }
        )
        return
    said = wanted.header
    line(f"{said['name']}, made {said['created']} on {said['host']}")
    if wanted.anew:
        line(f"Makes a new installation in {place.root}:")
    for service, path in wanted.wanted:
        line(f"  {'brings' if wanted.anew else 'replaces'} {path} ({service})")
    if wanted.carried:
        line(f"Stays as it is: {', '.join(wanted.carried)}")
    if wanted.other_key:
        line("All secrets and passwords become those of the backup.")
    for each in said["missing"]:
        line(f"The backup is not complete, it lacks {each}.")


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageError("nobody is here to ask", hint="Add --yes to restore without asking.")
    sys.stdout.write("Restore? [y/N] ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("not restored; nothing was changed")


def drill(place: Place, asked: Asked, *, json: bool) -> int:
    """Restore a backup into a throwaway stack, and say what was looked at; return 0.

    Raises:
        ArchiveError: If the backup is not whole, or not what was kept.
        CommandError: If a service does not come up on it, or does not prove itself.
    """
    from beast_ops.backup import names
    from beast_ops.backup.drill import drill as act
    from beast_ops.events.host import telling

    opening = _opening(place.require_deployed(), asked)
    with telling(place, "drill", backup=names.base(opening.file.name)):
        done = act(place, opening)
    if json:
        emit({"name": done.name, "seconds": round(done.seconds, 3), "checks": list(done.checks)})
        return 0
    for each in done.checks:
        line(f"{each['name']}: {each['message']}")
    line(f"{done.name} restores ({done.seconds:.1f} s). Nothing is left of the throwaway stack.")
    return 0


def export(place: Place, file: str, collections: tuple[str, ...], *, json: bool) -> None:
    """Export collections and say how many points each has."""
    from beast_ops.backup import portable

    found = portable.export(place, Path(file), collections)
    _counted(found, json=json)


def bring(place: Place, file: str, *, replace: bool, json: bool) -> None:
    """Import collections and say how many points each got."""
    from beast_ops.backup import portable

    found = portable.bring(place, Path(file), replace=replace)
    _counted(found, json=json)


def _counted(found: dict[str, int], *, json: bool) -> None:
    if json:
        emit({"collections": found})
        return
    for name, points in found.items():
        line(f"{name}: {points} points")
