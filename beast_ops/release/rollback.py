# SPDX-License-Identifier: Apache-2.0
"""Go back to a release that was proven: its containers and files, with the secrets of today."""

from beast_ops import receipts
from beast_ops.errors import ConflictError, MissingError
from beast_ops.lease import lease
from beast_ops.place import Place

from .force import is_whole, put_in_force
from .hands import WAIT_SECONDS, Aim, Hands, Outcome
from .land import give_secrets
from .observe import current_release, read_record


def rollback(place: Place, wanted: str, hands: Hands) -> Outcome:
    """Put a release in force that was proven before.

    Args:
        place: The installation.
        wanted: Number or name of a release; empty for the proven one before the one in force.
        hands: What acts on the host.

    Raises:
        MissingError: If there is no such release, or none to go back to.
        ConflictError: If it is not whole any more, uses other data, or was never proven.
        BusyError: If another operation holds the installation.
        CommandError: If it did not prove itself again.
    """
    with lease(place.run, "rollback", wait=WAIT_SECONDS, clock=hands.clock):
        hands.settle(place)
        release = choose(place, wanted)
        record = read_record(place, release)
        if record is None or not is_whole(place, release):
            raise ConflictError("this release is not whole any more", subject=release)
        now = current_release(place)
        running = read_record(place, now) if now else None
        if running is not None and running.generation != record.generation:
            raise ConflictError(
                "this release ran on other data", subject=release, hint="Restore a backup instead."
            )
        give_secrets(place, record)
        return put_in_force(place, release, hands, Aim("rollback"))


def choose(place: Place, wanted: str) -> str:
    """Return the name of the release that *wanted* means; see `rollback`.

    Raises:
        MissingError: If there is no such release, or none to go back to.
        ConflictError: If it was never proven.
    """
    proven = list(receipts.newest_proven(place.receipts))
    now = current_release(place)
    known = sorted(path.name for path in place.releases.glob("[0-9]*"))
    if not wanted:
        for name in proven:
            if name != now and name in known:
                return name
        raise MissingError("no other release was proven", subject=str(place.releases))
    for name in known:
        if wanted in {name, name.partition("-")[0]}:
            if name not in proven:
                raise ConflictError(
                    "this release never proved itself",
                    subject=name,
                    hint=f"Proven are: {', '.join(each for each in proven if each in known)}",
                )
            return name
    raise MissingError(
        "no such release", subject=wanted, hint=f"There are: {', '.join(known) or 'none'}"
    )
