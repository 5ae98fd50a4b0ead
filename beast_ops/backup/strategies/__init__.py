# SPDX-License-Identifier: Apache-2.0
"""How each kind of data is kept and brought back: one file each, its undo beside it.

`hold` stops the moment: until `release`, nothing that is kept may change in a way that
would tear it apart. `write` puts it into the archive, and returns what a restore must find.
`bring` makes of what was extracted what the service had; `judge` says what is not right there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from beast_ops.backup.plan import Item
from beast_ops.backup.writer import ArchiveWriter
from beast_ops.cards import Service, Services
from beast_ops.place import Place


@dataclass(frozen=True, slots=True)
class Source:
    """Where something is kept from.

    Attributes:
        place: The installation.
        services: The services of its release in force.
        work: A folder for this backup alone, on the file system of the data.
        model_bytes: Up to which size the files of a model are kept.
    """

    place: Place
    services: Services
    work: Path
    model_bytes: int

    @property
    def data(self) -> Path:
        """The data generation in force."""
        return Path(self.services.data)

    def service(self, item: Item) -> Service:
        """Return the service that *item* belongs to."""
        return self.services.service(item.service)


@dataclass(frozen=True, slots=True)
class Staged:
    """A data generation that is being filled.

    Attributes:
        data: Its folder; what was extracted lies in it already.
        extras: What was extracted besides, by service.
        secrets: The secrets of the installation it is for.
        addresses: Where services run that were started on it, by name.
    """

    data: Path
    extras: Path
    secrets: Path
    addresses: Mapping[str, str]


class Held(Protocol):
    """Something that is held still."""

    def release(self) -> None:
        """Let whoever waits go on; what is kept is settled."""
        ...

    def write(self, writer: ArchiveWriter) -> dict[str, Any]:
        """Put it into the archive; return what a restore must find."""
        ...

    def close(self) -> None:
        """Remove every trace; also after a failure, and more than once."""
        ...


class Strategy(Protocol):
    """What each file here can do."""

    def hold(self, item: Item, source: Source) -> Held:
        """Hold *item* still."""
        ...

    def bring(self, item: Item, staged: Staged, facts: Mapping[str, Any]) -> None:
        """Make of what was extracted what the service had."""
        ...

    def judge(self, item: Item, staged: Staged, facts: Mapping[str, Any]) -> str:
        """Return what is not as *facts* say; empty if all is."""
        ...


def strategy(item: Item) -> Strategy:
    """Return what keeps *item*."""
    return cast(Strategy, import_module(f"{__name__}.{item.state.how}"))
