# SPDX-License-Identifier: Apache-2.0
"""Give a secret a new version, and prove that the old one opens nothing any more.

Between the two stands a deploy: it renders the release anew, and starts anew exactly what reads
the secret. Whatever interrupts that, the new version counts, and the next deploy brings it.
"""

from dataclasses import dataclass

from beast_ops import keys
from beast_ops.cards import read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.errors import BeastError, CommandError, ConflictError, UnavailableError
from beast_ops.lease import lease
from beast_ops.place import Place
from beast_ops.release.land import give_secrets
from beast_ops.release.observe import current_release, read_record

from . import logins
from .catalogue import Entry, find
from .proof import Lock, opens

WAIT_SECONDS = 60.0
PROOF_SECONDS = 30.0
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Proof:
    """What trying showed; `None` where nobody knows how to try, or there is no older one."""

    name: str
    version: int
    new_opens: bool | None
    old_opens: bool | None

    @property
    def holds(self) -> bool:
        """Whether it is as it should be, as far as one can tell."""
        return self.new_opens is not False and self.old_opens is not True


def refuse(entry: Entry) -> None:
    """Refuse to rotate what does not rotate.

    Raises:
        ConflictError: If *entry* does not.
    """
    if entry.secret.given:
        raise ConflictError(
            "this secret is yours: nobody else can make a new one",
            subject=entry.name,
            hint=f"Run: ./beast secrets.set {entry.name}, then: ./beast deploy",
        )
    if entry.secret.rotate == "never":
        raise ConflictError(
            f"this secret does not rotate: data of {entry.service.name} is encrypted with it",
            subject=entry.name,
            hint="With another one that data would be lost.",
        )


def begin(place: Place, name: str, clock: Clock = SYSTEM) -> int:
    """Let the secret *name* have a new version, in its service too if its card says so.

    Returns:
        The new version.

    Raises:
        MissingError: If there is no such secret.
        ConflictError: If it does not rotate.
        BusyError: If another operation holds the installation.
        ServiceError: If its service does not take a new one.
        UnavailableError: If its service does not answer.
    """
    refuse(find(place, name))
    with lease(place.run, "rotate", wait=WAIT_SECONDS, clock=clock):
        entry = find(place, name)
        if entry.secret.rotate == "api":
            old, new = (
                keys.value(place.secrets, name, version)
                for version in (entry.version, entry.version + 1)
            )
            logins.change(place, entry.service, old, new)
        version = keys.rotate(place.secrets, name)
        release = current_release(place)
        record = read_record(place, release) if release else None
        if entry.secret.rotate == "api" and record is not None:
            give_secrets(place, record)
        return version


def prove(place: Place, name: str, clock: Clock = SYSTEM) -> Proof:
    """Try the newest version of the secret *name*, and the one before, which must not open.

    Raises:
        MissingError: If there is no such secret.
        CommandError: If it is not so after half a minute.
    """
    lock = Lock(place, read_services(place.require_deployed().services), find(place, name))
    end = clock.monotonic() + PROOF_SECONDS
    while True:
        last: BeastError | None = None
        try:
            proof = _try(lock)
            if proof.holds:
                return proof
        except UnavailableError as failed:  # it is started anew just now
            last = failed
        if clock.monotonic() > end:
            raise last or _failed(proof)
        clock.sleep(PAUSE_SECONDS)


def _try(lock: Lock) -> Proof:
    entry = lock.entry

    def opened(version: int) -> bool | None:
        return opens(lock, keys.value(lock.place.secrets, entry.name, version))

    new = opened(entry.version)
    old = opened(entry.version - 1) if entry.version > 1 else None
    return Proof(entry.name, entry.version, new, old)


def _failed(proof: Proof) -> CommandError:
    wrong = "the new one is refused" if proof.new_opens is False else "the old one still opens"
    return CommandError(
        f"the rotation did not take: {wrong}", subject=proof.name, hint="Run: ./beast deploy"
    )
