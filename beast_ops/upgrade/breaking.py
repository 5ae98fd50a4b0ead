# SPDX-License-Identifier: Apache-2.0
"""What a version of ours changed so that its user must do something: said before it happens.

The one place for it is `CHANGES`. A deploy from a release that an older version made is refused
until whoever deploys says by `--acknowledge VERSION` that they know.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from beast_ops import __version__
from beast_ops.errors import ConflictError, UsageError

from .ladder import number


@dataclass(frozen=True, slots=True)
class Change:
    """One change that needs a hand.

    Attributes:
        version: The first version that has it, such as `0.2.0`.
        what: What is different, as a sentence without its full stop.
        do: What to do about it, likewise.
    """

    version: str
    what: str
    do: str


CHANGES: tuple[Change, ...] = ()  # oldest first


def crossed(made: str, now: str = "") -> list[Change]:
    """Return what changed from the version *made* to *now*, or to this one.

    A release that does not say which version made it is older than all that do.
    """
    here = number(now or __version__)
    return [each for each in CHANGES if number(made) < number(each.version) <= here]


def settle(release: str | None, made: str, acknowledged: str) -> tuple[str, ...]:
    """Return the versions whose changes are taken on from here on.

    Args:
        release: The release in force; without one there is nothing to change.
        made: The version that made it.
        acknowledged: The version up to which changes are known; may be empty.

    Raises:
        UsageError: If *acknowledged* is no version, or newer than this one.
        ConflictError: If something changed that is not acknowledged; it says what and how.
    """
    known = number(acknowledged)
    if acknowledged and not (known and known <= number(__version__)):
        raise UsageError(
            f"only changes up to this version, {__version__}, can be known",
            subject=f"--acknowledge {acknowledged}",
        )
    found = crossed(made) if release else []
    news = [each for each in found if number(each.version) > known]
    if news:
        raise ConflictError(
            " ".join(_told(news, str(release), made)),
            hint=f"Then run: ./beast deploy --acknowledge {news[-1].version} (upgrade takes that, "
            "too; with --check a deploy only shows what it would change)",
        )
    return tuple(dict.fromkeys(each.version for each in found))


def _told(news: list[Change], release: str, made: str) -> Iterator[str]:
    maker = f"version {made}" if made else "a version that did not say its name yet"
    yield f"Release {release} was made by {maker}, and what changed since then needs your hand:"
    for number_, each in enumerate(news, 1):
        yield f"({number_}) {each.version}: {each.what}. To do: {each.do}."
