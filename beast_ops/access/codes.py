# SPDX-License-Identifier: Apache-2.0
"""Codes that let a browser in: short, good once, for ten minutes, and never on the disk."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from beast_ops.clock import SYSTEM, Clock

from .model import Principal

SECONDS = 600.0  # DESIGN, "Logging in"
LENGTH = 8
# No vowels, so no words; nothing that looks like something else. 28 ** 8 are 38 bits.
LETTERS = "23456789BCDFGHJKLMNPQRSTVWXZ"
MOST = 100


@dataclass(frozen=True, slots=True)
class _Kept:
    principal: Principal
    ends: float


class Codes:
    """The codes that are out; with the process they are gone."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        """Start with none."""
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}

    def make(self, principal: Principal) -> str:
        """Return a new code that lets in whoever brings it as *principal*, as `ABCD-EFGH`."""
        now = self._clock.monotonic()
        self._kept = {code: each for code, each in self._kept.items() if each.ends > now}
        while len(self._kept) >= MOST:  # the oldest goes
            del self._kept[next(iter(self._kept))]
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        self._kept[_digest(code)] = _Kept(principal, now + SECONDS)
        return f"{code[:4]}-{code[4:]}"

    def take(self, code: str) -> Principal | None:
        """Return whom *code* lets in, and forget it; `None` if it is none, or too old."""
        wanted = _digest("".join(letter for letter in code.upper() if letter.isalnum()))
        found = None
        for known in self._kept:  # all of them, whichever is right
            if hmac.compare_digest(known, wanted):
                found = known
        if found is None:
            return None
        kept = self._kept.pop(found)
        return kept.principal if kept.ends > self._clock.monotonic() else None

    def forget(self, origin: str) -> None:
        """Forget the codes of the token *origin*."""
        self._kept = {
            code: each for code, each in self._kept.items() if each.principal.origin != origin
        }


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
