# SPDX-License-Identifier: Apache-2.0
"""Which image of a service with data a release may run: the one that runs, unless it is upgraded.

A migration has no way back, so a deploy never starts one by itself. Our own image is free to
change: what it keeps is made for that.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from beast_ops.cards import Card, Services
from beast_ops.errors import UsageError
from beast_ops.settings import Strict

from .build import Release
from .observe import Observed


class Wish(Strict):
    """What an upgrade wants of one release.

    Attributes:
        look: Only look what would be; nothing is applied.
        images: The image each upgraded service gets; others with data keep theirs.
        step: What it is, for the receipt: it is done with a backup and on a copy of the data.
        acknowledged: The version up to which the user knows what changed.
    """

    look: bool = False
    images: dict[str, str] = {}
    step: str = ""
    acknowledged: str = ""


def running(seen: Observed) -> dict[str, str]:
    """Return the image of each container that runs and is not ours, by service."""
    try:
        found = Services.model_validate_json(seen.files.get("services.json", ""))
    except ValidationError:
        return {}  # nothing runs, or something older than images
    return {each.name: each.image for each in found if each.image and not each.ours}


def keeps_data(state: Sequence[Any]) -> bool:
    """Return whether *state* of a card is data that a migration would change."""
    return any(each.how != "models" for each in state)


def pinned(cards: Sequence[Card], seen: Observed, wish: Wish) -> list[Card]:
    """Return *cards* with the images that *wish* says; with a step, others keep theirs."""
    if not wish.step:
        return list(cards)
    now = running(seen)
    found = []
    for card in cards:
        kept = now.get(card.name) if card.image and keeps_data(card.state) else None
        image = wish.images.get(card.name, kept)
        found.append(_with_image(card, image) if image else card)
    return found


def _with_image(card: Card, image: str) -> Card:
    tag, _, digest = image.partition("@")
    return card.model_copy(update={"image": tag, "digest": digest or None})


def refuse_others(release: Release, seen: Observed, wish: Wish) -> None:
    """Refuse to run another image on the data of a service, unless *wish* is to.

    Raises:
        UsageError: If *release* would.
    """
    before = running(seen)
    for service in release.services:
        known = before.get(service.name)
        if wish.look or service.name in wish.images or not keeps_data(service.state):
            continue
        if service.image and known and known != service.image:
            raise UsageError(
                f"{service.name} runs {known} and keeps data; deploy does not put "
                f"{service.image} on it",
                subject=service.name,
                hint=f"Set its version back, or run: ./beast upgrade --service {service.name}",
            )


def compared(cards: Sequence[Card], release: Release, seen: Observed) -> dict[str, dict[str, Any]]:
    """Return for each service with data that runs: its image, the one wanted, and its ladder."""
    before, ladders = running(seen), {card.name: card.ladder for card in cards}
    return {
        service.name: {
            "runs": before[service.name],
            "wanted": service.image,
            "ladder": list(ladders[service.name]),
        }
        for service in release.services
        if service.image and service.name in before and keeps_data(service.state)
    }
