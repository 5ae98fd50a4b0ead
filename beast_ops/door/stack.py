# SPDX-License-Identifier: Apache-2.0
"""The verbs of the stack: what they print around the library's work."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from beast_ops.errors import UsageError
from beast_ops.place import Place

from .output import emit, line

if TYPE_CHECKING:
    from beast_ops.runtime.control import ProcessState

CLONE = Path(__file__).resolve().parents[2]


def render(place: Place, folder: str, inventory: str, settings: Sequence[str]) -> None:
    """Write the files of a release into *folder* and name them."""
    from beast_ops.deploy import DeployOptions
    from beast_ops.deploy import render as write

    for path in write(place, Path(folder), DeployOptions(inventory, tuple(settings))):
        line(str(path))


def health(place: Place, *, json: bool) -> int:
    """Print the report of all checks and return its exit code."""
    from beast_ops.health import report, show

    found = report.run(place)
    if json:
        emit(found.as_dict())
    else:
        line(show.table(found))
    return int(found.exit_code)


def status(place: Place, *, json: bool) -> None:
    """Print one line per process.

    Raises:
        NotDeployedError: If nothing is installed here.
    """
    from beast_ops.runtime import of

    states = of(place).status(place.require_deployed())
    if json:
        emit({"root": str(place.root), "processes": [asdict(state) for state in states]})
        return
    width = max((len(state.name) for state in states), default=0)
    for state in states:
        line(f"{state.name:<{width}}  {state.state:<9} {_since(state)}".rstrip())


def _since(state: "ProcessState") -> str:
    parts = [f"pid {state.pid}"] if state.pid else []
    if state.uptime_seconds is not None:
        parts.append(f"up {duration(state.uptime_seconds)}")
    if state.restarts:
        parts.append(f"{state.restarts} restarts")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return *seconds* in the two largest units that matter."""
    whole = int(seconds)
    for size, unit, smaller, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // smaller} {name}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"  # noqa: PLR2004 - seconds of a minute


def logs(place: Place, service: str | None, lines: int, *, follow: bool) -> None:
    """Print the last lines, then what follows."""
    from beast_ops.runtime import of

    for each in of(place).logs(place, service, lines, follow):
        line(each)
        if follow:
            sys.stdout.flush()


def change(place: Place, verb: str, service: str | None) -> None:
    """Start, stop or restart, and say so."""
    from beast_ops.runtime import of

    getattr(of(place), verb)(place.require_deployed(), service)
    done = {"start": "started", "stop": "stopped", "restart": "restarted"}[verb]
    line(f"{service or 'All services'} {done}.")


def down(place: Place) -> None:
    """End all processes."""
    from beast_ops.runtime import of

    of(place).down(place)
    line("Nothing of this installation runs any more. Bring it back with: ./beast deploy")


def rollback(place: Place, release: str) -> None:
    """Go back to a proven release and say to which."""
    from beast_ops.release.__main__ import hands
    from beast_ops.release.rollback import rollback as back

    done = back(place.require_deployed(), release, hands())
    restarted = f" Started anew: {', '.join(done.changed)}." if done.changed else ""
    line(f"Release {done.release} is in force and proven ({done.seconds:.1f} s).{restarted}")


def address(place: Place) -> str:
    """Return where the API answers, as the release in force has it.

    Raises:
        NotDeployedError: If nothing is installed here, or it has no API.
    """
    from beast_ops.cards import read_services

    return str(read_services(place.require_deployed().services).api().address)


def show_address(place: Place, *, json: bool) -> None:
    """Print where the pages are and a code that lets a browser in; open them on a screen.

    The code is no part of an address that is opened: everybody on this machine could read it
    there, among the words with which the browser was started.

    Raises:
        NotDeployedError: If nothing is installed here, or it has no API.
        UnavailableError: If the API does not answer.
    """
    from beast_ops.client import connect

    page = f"{address(place)}/login"
    with connect(place) as api:
        made = api.access.make_code()
    if json:
        emit({"url": page, "code": made["code"], "expires_in": made["expires_in"]})
        return
    line(f"{page}\nCode: {made['code']} (good once, for {made['expires_in'] // 60} minutes)")
    if sys.stdout.isatty() and has_screen():
        import webbrowser

        webbrowser.open(page)


def has_screen() -> bool:
    """Return whether a browser could show itself."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return sys.platform == "darwin" or any(os.environ.get(name) for name in screens)


@dataclass(frozen=True, slots=True)
class Removal:
    """How an uninstall is asked for."""

    inventory: str
    data: bool = False
    yes: bool = False
    dry_run: bool = False


def remove(place: Place, asked: Removal) -> int:
    """Ask, then uninstall, and return the exit code.

    Raises:
        UsageError: If nobody can be asked, or the answer is no.
    """
    from beast_ops.deploy import DeployOptions
    from beast_ops.deploy import remove as uninstall

    if not (asked.yes or asked.dry_run):
        _confirm(place, asked)
    options = DeployOptions(inventory=asked.inventory)
    return uninstall(place, options, data=asked.data, dry_run=asked.dry_run)


def _confirm(place: Place, asked: Removal) -> None:
    from beast_ops.deploy.inventory import INVENTORY

    here = asked.inventory == INVENTORY
    where = str(place.root) if here else f"what {asked.inventory} names"
    what = "the installation and all its data" if asked.data else "the installation; its data stays"
    if not sys.stdin.isatty():
        words = ["./beast remove", *(["--data"] if asked.data else []), "--yes"]
        words += [] if here else ["--inventory", asked.inventory]
        raise UsageError(
            "nobody can be asked without a terminal",
            subject=where,
            hint=f"Run: {' '.join(words)}",
        )
    line(f"This removes {what} ({where}).")
    if input("Type yes to go on: ").strip().lower() != "yes":
        raise UsageError("not removed", subject=where, hint="Nothing was changed.")


def version(*, json: bool) -> None:
    """Print what this is made of."""
    from beast_ops import __version__

    found: dict[str, Any] = {
        "ai-beast": __version__,
        "python": sys.version.split()[0],
        "ansible-core": _installed("ansible-core"),
    }
    if json:
        emit(found)
        return
    line(f"AI Beast {__version__}")
    line(f"Python {found['python']}, ansible-core {found['ansible-core'] or 'not installed'}")


def _installed(name: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
