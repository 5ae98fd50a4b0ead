# SPDX-License-Identifier: Apache-2.0
"""In which networks containers are, and what stands before a service that only it can reach.

Pure: takes cards, returns cards.
"""

from collections import Counter
from collections.abc import Sequence

from beast_ops.card_parts import Offer
from beast_ops.cards import SHARED, Card

from .join import Runtime, inside, is_contained


def placed(cards: Sequence[Card], runtime: Runtime) -> list[Card]:
    """Return *cards* as they are in this release.

    A network of its own is none if nobody else of the release is in it: who would be alone there
    is in the one that all share. So a service is shut off only while something stands before it.
    What stands before a service has the route, too.
    """
    counted = Counter(
        name for card in cards if is_contained(card, runtime) for name in set(card.networks)
    )
    return [
        card.model_copy(
            update={
                "networks": tuple(
                    name for name in card.networks if name == SHARED or counted[name] > 1
                )
                or (SHARED,),
                "route": None if front_of(card, cards) else card.route,
            }
        )
        for card in cards
    ]


def front_of(card: Card, cards: Sequence[Card]) -> tuple[Card, Offer] | None:
    """Return what stands before *card*, and its offer; `None` if nothing does."""
    hidden = {name for name, offer in card.offers.items() if not offer.front}
    for other in cards:
        for name, offer in other.offers.items():
            if offer.front and name in hidden and other is not card:
                return other, offer
    return None


def seen_inside(card: Card, cards: Sequence[Card]) -> str | None:
    """Return where containers reach *card*'s service: at what stands before it, if anything."""
    found = front_of(card, cards)
    return inside(*found) if found else inside(card)
