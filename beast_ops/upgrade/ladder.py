# SPDX-License-Identifier: Apache-2.0
"""Which versions an upgrade goes through; pure.

Some may not skip a minor version: their cards name the last patch of each (`ladder`). All others
go at most one major version at a time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from beast_ops.errors import ConflictError

MAJOR, MINOR = 1, 2


@dataclass(frozen=True, slots=True)
class Step:
    """One service from one image to another."""

    service: str
    before: str
    after: str

    def said(self) -> str:
        """Return it for people and receipts."""
        return f"{self.service} {tag(self.before)} -> {tag(self.after)}"


def steps(service: str, runs: str, wanted: str, ladder: Sequence[str]) -> list[Step]:
    """Return the steps of *service* from the image that runs to the one that is wanted.

    Args:
        service: Its name.
        runs: Its image now.
        wanted: The image that its settings name.
        ladder: Tags that may not be skipped, oldest first: the last of each minor version.

    Raises:
        ConflictError: If that is a way back, or goes too far at once.
    """
    if runs == wanted:
        return []
    now, then = number(runs), number(wanted)
    if then < now:
        raise ConflictError(
            f"{tag(wanted)} is older than {tag(runs)}, and no data go back by themselves",
            subject=service,
            hint="Restore a backup of that version into a folder of its own: ./beast restore --to",
        )
    rungs = [each for each in ladder if now[:MINOR] < number(each)[:MINOR] < then[:MINOR]]
    _judge(service, [tag(runs), *rungs, tag(wanted)], minor=bool(ladder))
    images = [runs, *(_tagged(wanted, rung) for rung in rungs), wanted]
    return [Step(service, *pair) for pair in pairwise(images)]


def _judge(service: str, tags: Sequence[str], *, minor: bool) -> None:
    """Refuse a way that skips a version it may not skip."""
    for before, after in pairwise(tags):
        now, then = number(before), number(after)
        if not now or not then:
            continue  # a tag without a number is what somebody chose on purpose
        next_major = then[:MAJOR] == (now[0] + 1,)
        same_major = then[:MAJOR] == now[:MAJOR]
        skips = minor and same_major and then[1:2] > (_second(now) + 1,)
        if skips or not (same_major or next_major):
            raise ConflictError(
                f"from {before} to {after} skips versions that must run in between",
                subject=service,
                hint="Set its version to the next one first, upgrade, and go on from there.",
            )


def _second(found: Sequence[int]) -> int:
    return found[1] if len(found) > 1 else 0


def tag(image: str) -> str:
    """Return the tag of *image*, or *image* if it is one."""
    return image.partition("@")[0].rpartition(":")[2]


def number(image: str) -> tuple[int, ...]:
    """Return the version in the tag of *image*, such as (1, 19, 0); empty if it has none."""
    found = re.match(r"v?(\d+(?:\.\d+)*)", tag(image))
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _tagged(image: str, rung: str) -> str:
    """Return *image* with the tag *rung*, in the same variant, such as `-unprivileged`."""
    plain = image.partition("@")[0]
    variant = re.sub(r"^v?\d+(?:\.\d+)*", "", tag(plain))
    return f"{plain.rpartition(':')[0]}:{rung}{variant}"
