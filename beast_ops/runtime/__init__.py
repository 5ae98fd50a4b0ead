# SPDX-License-Identifier: Apache-2.0
"""Keep the processes of the embedded runtime alive, with supervisord.

`values` turns a release into what the template of its configuration needs; `__main__` becomes
supervisord; `control` starts, changes and ends it; `child` is what each process calls first.

`of` finds what runs an installation: this, or the containers of `beast_ops.compose`.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from beast_ops.place import Place

if TYPE_CHECKING:
    from beast_ops.cards import Services

    from .control import ProcessState


class Runtime(Protocol):
    """What both runtimes can do; `control` says what each does and raises."""

    def prepare(self, place: Place, release: str) -> None:
        """Get ready what *release* needs, and judge it, before anything stops."""
        ...

    def apply(self, place: Place, *, closed: bool = False) -> set[str]:
        """Run exactly what the release in force describes; return what was started.

        If it shall be *closed*, what lets others in does not run yet.
        """
        ...

    def down(self, place: Place) -> None:
        """End everything."""
        ...

    def runs(self, place: Place, services: "Services") -> bool:
        """Return whether exactly *services* run."""
        ...

    def altered(self, place: Place, services: "Services") -> "Iterator[tuple[str, str]]":
        """Yield the name of each service that runs otherwise than described, and how."""
        ...

    def status(self, place: Place) -> "list[ProcessState]":
        """Return every service and how it is."""
        ...

    def start(self, place: Place, name: str | None = None) -> None:
        """Start one service, or all."""
        ...

    def stop(self, place: Place, name: str | None = None) -> None:
        """Stop one service, or all."""
        ...

    def restart(self, place: Place, name: str | None = None) -> None:
        """Stop and start one service, or all."""
        ...

    def execute(self, place: Place, name: str, argv: Sequence[str]) -> str:
        """Run a command in a service, as the service would; return what it printed."""
        ...

    def logs(
        self,
        place: Place,
        name: str | None = None,
        lines: int = 100,
        follow: bool = False,  # noqa: FBT001, FBT002 - the words of the verb
    ) -> Iterator[str]:
        """Return what the services wrote."""
        ...


def of(place: Place, release: str | None = None) -> Runtime:
    """Return what runs the installation at *place*, as the release in force or *release* says.

    The embedded runtime where nothing says anything.
    """
    folder = place.releases / release if release else place.current
    if (folder / "compose.yml").is_file() or (not release and _was_composed(place)):
        from beast_ops.compose import control as composed

        return cast(Runtime, composed)
    from . import control

    return cast(Runtime, control)


def _was_composed(place: Place) -> bool:
    """Return whether releases of containers are there although none is in force."""
    return not place.current.exists() and any(place.releases.glob("*/compose.yml"))
