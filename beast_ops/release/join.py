# SPDX-License-Identifier: Apache-2.0
"""Join cards: who offers what, who wants it, and under which address it is found.

Pure: takes cards, returns what each service is given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from beast_ops.card_parts import Offer, Want
from beast_ops.cards import Card
from beast_ops.errors import CardError
from beast_ops.keys import Handover
from beast_ops.secret_files import names as placeholders

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
GATEWAY = "host.docker.internal"  # how a container calls its host, by `extra_hosts`
INNER_SECRETS = "/run/secrets"
CLIENTS = "BEAST_CLIENTS"  # tells what stands before a service whose tokens its files hold

Runtime = Literal["embedded", "compose"]
Offers: TypeAlias = "Mapping[str, tuple[Card, Offer]]"


@dataclass(frozen=True, slots=True)
class Joined:
    """What the others give one service: its variables, and the secrets it may read.

    `gathered` are the keys of what it measures: one more restarts nobody, a rotated one does.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    handovers: tuple[Handover, ...] = ()
    gathered: tuple[Handover, ...] = ()

    @property
    def all_handovers(self) -> tuple[Handover, ...]:
        """Every secret it may read."""
        return (*self.handovers, *self.gathered)


def address(card: Card, offer: Offer | None = None) -> str | None:
    """Return where this host reaches *card*'s service or one *offer* of it, if it does."""
    if card.external is not None:
        return card.external.rstrip("/")
    if offer is not None:
        return f"{offer.scheme}://127.0.0.1:{offer.port}"
    return f"http://127.0.0.1:{card.port}" if card.port is not None else None


def inside(card: Card, offer: Offer | None = None) -> str | None:
    """Return where a container reaches *card*'s service or one *offer* of it, if it does."""
    if card.external is not None:
        return _through_gateway(card.external.rstrip("/"))
    if card.place == "host":
        return None
    if offer is not None:
        port = card.inner_port if offer.port == card.port else offer.port
        return f"{offer.scheme}://{card.name}:{port}"
    return f"http://{card.name}:{card.inner_port}" if card.inner_port is not None else None


def _through_gateway(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        return url
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=f"{GATEWAY}{port}").geturl()


def runs_here(card: Card, runtime: Runtime) -> bool:
    """Return whether *runtime* has this service, or it is a neighbour."""
    if card.external is not None:
        return True
    if runtime == "embedded":
        return card.process is not None
    return card.contained or (card.place == "host" and card.process is not None)


def is_contained(card: Card, runtime: Runtime) -> bool:
    """Return whether *runtime* runs this service in a container."""
    return runtime == "compose" and card.external is None and card.contained


def join(cards: Iterable[Card], secrets: str, runtime: Runtime = "embedded") -> dict[str, Joined]:
    """Return what each card's service is given, by name.

    Args:
        cards: The cards that exist in this runtime.
        secrets: The folder whose sub-folders, one per service, hold the secret files.
        runtime: What runs them.

    Raises:
        CardError: If a capability is offered twice, or wanted and not offered, or a card
            names a secret it does not have.
    """
    present = tuple(cards)
    _refuse_twins(present, runtime)
    fronts, behind = _offers(present, front=True), _offers(present, front=False)
    return {
        card.name: _Joint(card, _seen(card, fronts, behind), secrets, runtime).given(present)
        for card in present
    }


def _seen(card: Card, fronts: Offers, behind: Offers) -> Offers:
    """Return what is offered to *card*: what stands in front, but for what it hides itself."""
    return {**behind, **{name: each for name, each in fronts.items() if each[0] is not card}}


def _refuse_twins(cards: tuple[Card, ...], runtime: Runtime) -> None:
    ports: dict[int, str] = {}
    names: set[str] = set()
    for card in cards:
        if card.name in names:
            raise CardError("two cards have this name", subject=card.name)
        names.add(card.name)
        for port in sorted(_ports(card, runtime)):
            if port in ports:
                raise CardError(
                    f"{card.name} and {ports[port]} both want port {port}",
                    subject=card.name,
                    hint=f"Give one another port: ./beast deploy --set {card.role}_port=NUMBER",
                )
            ports[port] = card.name


def _ports(card: Card, runtime: Runtime) -> set[int]:
    """Return the ports *card*'s service listens on, here."""
    if card.external is not None:
        return set()
    own = set() if card.port is None else {card.port}
    if runtime == "compose":
        return own | {published.port for published in card.publish}
    return own | {offer.port for offer in card.offers.values()}


def _offers(cards: tuple[Card, ...], *, front: bool) -> Offers:
    found: dict[str, tuple[Card, Offer]] = {}
    for card in cards:
        for capability, offer in card.offers.items():
            if offer.front is not front:
                continue
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


@dataclass(frozen=True, slots=True)
class _Joint:
    """One card and what it is joined with."""

    card: Card
    offers: Offers
    secrets: str
    runtime: Runtime

    def given(self, cards: tuple[Card, ...]) -> Joined:
        environment: dict[str, str] = {}
        handovers = [
            Handover(self.card.name, name, self.card.name, name) for name in self.card.secrets
        ]
        for capability, want in self.card.wants.items():
            if not self._is_met(capability):
                continue
            giver, offer = self.offers[capability]
            given = {want.url: self._address(giver, offer)}
            file = self._token(capability, want) if offer.front else f"{capability}_key"
            if offer.key is not None and (want.key is not None or self._fills_in(file)):
                handovers.append(Handover(self.card.name, file, giver.name, offer.key))
            if want.key is not None and (offer.front or offer.key is not None):
                given[want.key] = f"{self._folder()}/{file}"
            refuse_clashes(self.card, given.keys() & {*environment, *self.card.environment})
            environment |= given
        shown = tuple(_clients(self.card, cards))
        handovers += [each.handover for each in shown]
        if shown:
            environment[CLIENTS] = ",".join(each.entry for each in shown)
        gathered = tuple(_metrics_keys(self.card, cards))
        files = [item.file for item in (*handovers, *gathered)] + [*self.card.secret_files]
        refuse_clashes(self.card, {file for file in files if files.count(file) > 1})
        return Joined(environment, tuple(handovers), gathered)

    def _token(self, capability: str, want: Want) -> str:
        """Return which of its secrets the card shows to what stands before *capability*."""
        if want.token not in self.card.secrets:
            raise CardError(
                f"{self.card.name} wants {capability}, and has no token to show for it",
                subject=capability,
                hint="Name one of its secrets in the want: token, and scope.",
            )
        return want.token

    def _is_met(self, capability: str) -> bool:
        if capability in self.offers:
            return True
        if self.card.wants[capability].optional:
            return False
        raise CardError(
            f"{self.card.name} wants {capability}, which no enabled service offers",
            subject=capability,
            hint="Add a service that offers it to beast_services.",
        )

    def _address(self, giver: Card, offer: Offer) -> str:
        both = self._is_inside() and is_contained(giver, self.runtime)
        if both and not {*self.card.networks} & {*giver.networks}:
            raise CardError(
                f"{self.card.name} and {giver.name}, which it wants, are in no network together",
                subject=self.card.name,
            )
        found = (inside if self._is_inside() else address)(giver, offer)
        return found or ""

    def _folder(self) -> str:
        return INNER_SECRETS if self._is_inside() else f"{self.secrets}/{self.card.name}"

    def _is_inside(self) -> bool:
        return is_contained(self.card, self.runtime)

    def _fills_in(self, file: str) -> bool:
        return any(file in placeholders(text) for text in self.card.secret_files.values())


@dataclass(frozen=True, slots=True)
class _Client:
    """One that shows a token of its own: how a front is told, and the file it gets."""

    entry: str
    handover: Handover


def _clients(front: Card, cards: tuple[Card, ...]) -> Iterable[_Client]:
    stood = {name for name, offer in front.offers.items() if offer.front}
    for card in cards:
        for capability, want in card.wants.items():
            if capability in stood and want.token is not None and card is not front:
                file = f"client_{card.name.replace('-', '_')}"
                yield _Client(
                    f"{card.name}={want.scope}",
                    Handover(front.name, file, card.name, want.token),
                )


def metrics_key(owner: Card) -> str:
    """Return the name of the file that opens the metrics of *owner* to whoever gathers them."""
    key = owner.metrics.key if owner.metrics else ""
    return f"{owner.name.replace('-', '_')}_{key}"


def _metrics_keys(reader: Card, cards: tuple[Card, ...]) -> Iterable[Handover]:
    if "metrics" not in reader.gathers:
        return
    for card in cards:
        if card.metrics is not None and card.metrics.key is not None and card is not reader:
            yield Handover(reader.name, metrics_key(card), card.name, card.metrics.key)


def refuse_clashes(card: Card, names: Iterable[str]) -> None:
    """Refuse *card* if there are any *names*, each of which would mean two things to it.

    Raises:
        CardError: If there are.
    """
    for name in sorted(names):
        raise CardError(f"gives two meanings to {name}", subject=f"card of {card.name}")
