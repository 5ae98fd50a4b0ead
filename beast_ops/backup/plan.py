# SPDX-License-Identifier: Apache-2.0
"""Say what a backup keeps; pure, from the services of a release.

All that is kept is of one moment: databases are held still while the vector store is
photographed, so what one of them says of the other is true. Sets say what is restored together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from beast_ops.card_parts import State
from beast_ops.cards import Services
from beast_ops.errors import CardError, MissingError, UsageError
from beast_ops.settings import explain

# Databases first: they stop whoever writes; last what nobody changes without them.
ORDER = ("sqlite", "snapshot_api", "command", "volume", "files", "models")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to keep.

    Attributes:
        service: The name of the service it belongs to.
        state: How, where and with what it is kept.
    """

    service: str
    state: State

    @property
    def path(self) -> str:
        """Where it lies below the data generation, and below `data/` in an archive."""
        inner = f"/{self.state.file}" if self.state.file else ""
        return f"{self.state.volume}{inner}"

    def plain(self) -> dict[str, str]:
        """Return it as the header of an archive says it."""
        return {
            "service": self.service,
            "how": self.state.how,
            "set": self.state.set,
            "path": self.path,
        }


def items(services: Services) -> list[Item]:
    """Return what there is to keep, in the order in which it is held still."""
    found = [Item(each.name, state) for each in services for state in each.state]
    return sorted(found, key=lambda item: (ORDER.index(item.state.how), item.service, item.path))


def chosen(services: Services, service: str) -> list[Item]:
    """Return what is restored with *service*; everything if it is empty.

    That is every set in which the service keeps something, whole: a database without the
    vectors it speaks of is none.

    Raises:
        MissingError: If there is no such service.
        UsageError: If it keeps nothing.
    """
    everything = items(services)
    if not service:
        return everything
    if service not in {each.name for each in services}:
        known = ", ".join(sorted({item.service for item in everything}))
        raise MissingError("no such service", subject=service, hint=f"Data keep: {known}")
    sets = {item.state.set for item in everything if item.service == service}
    if not sets:
        raise UsageError("this service keeps no data of its own", subject=service)
    return [item for item in everything if item.state.set in sets]


def read_item(said: Mapping[str, Any]) -> Item:
    """Return the item that an archive calls *said*; see `Item.plain`.

    Raises:
        CardError: If it makes no sense.
    """
    volume, _, file = said["path"].partition("/")
    try:
        state = State(how=said["how"], volume=volume, set=said["set"], file=file or None)
    except ValidationError as wrong:
        raise CardError(explain(wrong), subject=f"an archive: {said['path']}") from wrong
    return Item(said["service"], state)
