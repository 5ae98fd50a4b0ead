# SPDX-License-Identifier: Apache-2.0
"""What some services get of all cards: targets to measure, routes to open, alerts, dashboards.

Pure: takes cards, returns the files that follow them. A service reads these by itself when
they change, so that one more service restarts none of the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from beast_ops.cards import Card
from beast_ops.errors import CardError

from .join import INNER_SECRETS, Runtime, inside, is_contained, metrics_key

FOLDERS = {"alerts": "rules", "dashboards": "dashboards"}


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A file of the folder `files` of *role*, put as it is where *service* sees *path*."""

    service: str
    path: str
    role: str
    file: str


@dataclass(frozen=True, slots=True)
class Shaped:
    """A file that the template of *role* makes of *variables*, where *service* sees *path*."""

    service: str
    path: str
    role: str
    template: str
    variables: dict[str, Any]


def targets(cards: Iterable[Card], reader: Card) -> list[dict[str, Any]]:
    """Return what *reader* can measure: name, address, path and key file of each target."""
    return [
        {
            "name": card.name,
            "address": _metrics_address(card),
            "path": card.metrics.path,
            "key_file": _key_file(card, reader),
        }
        for card in cards
        if card.metrics is not None and _metrics_address(card)
    ]


def routes(cards: Iterable[Card]) -> list[dict[str, Any]]:
    """Return what the front door leads to: name, address, and what the card says of the route."""
    return [
        {"name": card.name, "address": inside(card), **card.route.model_dump(mode="json")}
        for card in cards
        if card.route is not None
    ]


def offered(cards: Iterable[Card]) -> dict[str, str]:
    """Return host and port of each capability that is offered, as containers reach it."""
    offers = [(name, card, offer) for card in cards for name, offer in card.offers.items()]
    offers.sort(key=lambda each: each[2].front)  # what stands in front hides what is behind
    found = {name: inside(card, offer) for name, card, offer in offers}
    return {name: urlsplit(url).netloc for name, url in found.items() if url}


def verbatim(cards: Sequence[Card], runtime: Runtime) -> list[Verbatim]:
    """Return the files that services get as they are."""
    return [
        Verbatim(reader.name, f"{FOLDERS[kind]}/{card.name}-{file}", card.role, file)
        for reader in cards
        if is_contained(reader, runtime)
        for kind in FOLDERS
        if kind in reader.gathers
        for card in cards
        for file in getattr(card, kind)
    ]


def shaped(cards: Sequence[Card], runtime: Runtime, site: dict[str, Any]) -> list[Shaped]:
    """Return the files that are made of templates.

    Args:
        cards: All cards of the release.
        runtime: What runs their services.
        site: What templates may know of the installation.

    Raises:
        CardError: If a card has such files and does not say where its service sees them.
    """
    found = []
    for card in cards:
        if (card.live or card.gathers) and card.contained and card.live_path is None:
            raise CardError("has live files and no live_path", subject=f"card of {card.name}")
        if not is_contained(card, runtime):
            continue
        variables = {
            "site": site,
            "values": card.values,
            "targets": targets(cards, card),
            "routes": routes(cards),
            "offers": offered(cards),
        }
        found += [
            Shaped(card.name, path, card.role, template, variables)
            for path, template in card.live.items()
        ]
    return found


def _metrics_address(card: Card) -> str:
    """Return host and port of the metrics of *card*, as other containers reach them."""
    assert card.metrics is not None  # noqa: S101 - for mypy; the callers looked
    port = card.metrics.port or card.inner_port
    found = inside(card)
    if card.external is not None:
        return (found or "").partition("://")[2]
    return f"{card.name}:{port}" if port and card.place != "host" else ""


def _key_file(card: Card, reader: Card) -> str | None:
    if card.metrics is None or card.metrics.key is None:
        return None
    file = card.metrics.key if card is reader else metrics_key(card)
    return f"{INNER_SECRETS}/{file}"
