# SPDX-License-Identifier: Apache-2.0
"""Whether models fit, as far as this process can see the host of the model server."""

from collections.abc import Iterable

from beast_ops.cards import read_services
from beast_ops.fit import answer
from beast_ops.fit.answer import Answer, look
from beast_ops.fit.host import Host, here
from beast_ops.fit.standing import Standing
from beast_ops.models.entry import Entry
from beast_ops.models.room import beside
from beast_ops.place import Place

from .settings import Surroundings

FORCE = "POST /models/pull with force, or ./beast models.pull {} --force"


def refuse(around: Surroundings, name: str) -> None:
    """Refuse the model *name* if it cannot fit; what is not known refuses nothing.

    Raises:
        PreflightError: If it cannot.
    """
    answer.refuse(Place(around.root), name, FORCE.format(name), _eyes(around))


def each(around: Surroundings, entries: Iterable[Entry]) -> dict[str, Answer]:
    """Return for each of *entries* whether it would fit, by id."""
    return answer.each(Place(around.root), entries, _eyes(around))


def _eyes(around: Surroundings) -> answer.Look:
    """Return what looks at the host.

    A container sees neither the GPUs nor where others keep their data: it knows the disk that it
    shares with the model server, and no more.
    """
    if not around.inside:
        return look

    def dimly(seen: Standing) -> Host:
        if not seen.local or not beside(read_services(around.services)):
            return Host()
        return Host(disk=here((around.data / "api",)).disk)

    return dimly
