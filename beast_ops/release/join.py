# SPDX-License-Identifier: Apache-2.0
"""Join cards: who offers what, who wants it, and under which address it is found.

Pure: takes cards, returns what each service is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from beast_ops.cards import Card, Offer
from beast_ops.errors import CardError
from beast_ops.keys import Handover


@dataclass(frozen=True, slots=True)
class Joined:
    """What the others give one service: its variables, and the secrets it may read."""

    environment: Mapping[str, str] = field(default_factory=dict)
    handovers: tuple[Handover, ...] = ()


def address(card: Card, offer: Offer | None = None) -> str | None:
    """Return where *card*'s service, or one *offer* of it, answers; `None` if it does not."""
    if card.external is not None:
        return card.external.rstrip("/")
    if offer is not None:
        return f"{offer.scheme}://127.0.0.1:{offer.port}"
    return f"http://127.0.0.1:{card.port}" if card.port is not None else None


def runs_here(card: Card) -> bool:
    """Return whether the embedded runtime has this service, as a process or as a neighbour."""
    return card.process is not None or card.external is not None


def join(cards: Iterable[Card], secrets: str) -> dict[str, Joined]:
    """Return what each card's service is given, by name.

    Args:
        cards: The cards that exist in this runtime.
        secrets: The folder whose sub-folders, one per service, hold the secret files.

    Raises:
        CardError: If a capability is offered twice, or wanted and not offered, or a card
            names a secret it does not have.
    """
    present = tuple(cards)
    _refuse_twins(present)
    offers = _offers(present)
    return {card.name: _given(card, offers, secrets) for card in present}


def _refuse_twins(cards: tuple[Card, ...]) -> None:
    ports: dict[int, str] = {}
    names: set[str] = set()
    for card in cards:
        if card.name in names:
            raise CardError("two cards have this name", subject=card.name)
        names.add(card.name)
        for port in sorted(_ports(card)):
            if port in ports:
                raise CardError(
                    f"{card.name} and {ports[port]} both want port {port}",
                    subject=card.name,
                    hint=f"Give one another port: ./beast deploy --set {card.role}_port=NUMBER",
                )
            ports[port] = card.name


def _ports(card: Card) -> set[int]:
    """Return the ports *card*'s service listens on, here."""
    if card.external is not None:
        return set()
    own = set() if card.port is None else {card.port}
    return own | {offer.port for offer in card.offers.values()}


def _offers(cards: tuple[Card, ...]) -> dict[str, tuple[Card, Offer]]:
    found: dict[str, tuple[Card, Offer]] = {}
    for card in cards:
        for capability, offer in card.offers.items():
            if capability in found:
                raise CardError(
                    f"{capability} is offered by {found[capability][0].name} and {card.name}",
                    subject=capability,
                    hint="Take one of them out of beast_services.",
                )
            if offer.key is not None and offer.key not in card.secrets:
                raise CardError(
                    f"offers {capability} with the key {offer.key}, which is none of its secrets",
                    subject=card.name,
                )
            found[capability] = (card, offer)
    return found


def _given(card: Card, offers: Mapping[str, tuple[Card, Offer]], secrets: str) -> Joined:
    environment: dict[str, str] = {}
    handovers = [Handover(card.name, name, card.name, name) for name in card.secrets]
    for capability, want in card.wants.items():
        if capability not in offers:
            if want.optional:
                continue
            raise CardError(
                f"{card.name} wants {capability}, which no enabled service offers",
                subject=capability,
                hint="Add a service that offers it to beast_services.",
            )
        giver, offer = offers[capability]
        given = {want.url: address(giver, offer) or ""}
        if want.key is not None and offer.key is not None:
            file = f"{capability}_key"
            handovers.append(Handover(card.name, file, giver.name, offer.key))
            given[want.key] = f"{secrets}/{card.name}/{file}"
        refuse_clashes(card, given.keys() & {*environment, *card.environment})
        environment |= given
    files = [item.file for item in handovers]
    refuse_clashes(card, {file for file in files if files.count(file) > 1})
    return Joined(environment, tuple(handovers))


def refuse_clashes(card: Card, names: Iterable[str]) -> None:
    """Refuse *card* if there are any *names*, each of which would mean two things to it.

    Raises:
        CardError: If there are.
    """
    for name in sorted(names):
        raise CardError(f"gives two meanings to {name}", subject=f"card of {card.name}")
