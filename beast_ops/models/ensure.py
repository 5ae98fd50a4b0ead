# SPDX-License-Identifier: Apache-2.0
"""Have models present on a model server; what is there costs one question."""

from collections.abc import Callable, Iterable

from beast_ops import http
from beast_ops.cards import Services
from beast_ops.errors import MissingError, ServiceError, UnavailableError
from beast_ops.llm.calls import SERVICE

from .names import missing
from .pull import pull

Say = Callable[[str], None]
ANSWER_SECONDS = 10.0


def ensure_all(services: Services, say: Say) -> tuple[str, ...]:
    """Have the models that the cards of *services* name; return those that were fetched.

    A server that one can do without, and that is not there, is passed over.

    Args:
        services: The services of the release in force.
        say: Takes one line of progress.

    Raises:
        UnavailableError: If a server that must be there does not answer.
        ServiceError: If a model cannot be had.
        MissingError: If there is no model of that name.
    """
    fetched: list[str] = []
    for service in services:
        if not service.models or service.address is None:
            continue
        try:
            fetched += ensure(service.address, service.models, say)
        except UnavailableError:
            if not service.optional:
                raise
            say(f"{service.name} is not there; its models are passed over")
    return tuple(fetched)


def ensure(url: str, wanted: Iterable[str], say: Say) -> tuple[str, ...]:
    """Have the models *wanted* on the server at *url*; return those that were fetched.

    Args:
        url: Where the model server is.
        wanted: Names of models; the newest is meant where there is no tag.
        say: Takes one line of progress.

    Raises:
        UnavailableError: If the server does not answer.
        ServiceError: If a model cannot be had; it goes on from there the next time.
        MissingError: If there is no model of that name.
    """
    lacking = missing(wanted, present(url))
    for name in lacking:
        pull(url, name, say)
    still = missing(lacking, present(url)) if lacking else ()
    if still:
        raise MissingError("was fetched and is not there", subject=", ".join(still))
    return lacking


def present(url: str) -> list[str]:
    """Return the models that the server at *url* has.

    Raises:
        UnavailableError: If it does not answer.
        ServiceError: If it refuses, or answers with something else.
    """
    with http.client(url, seconds=ANSWER_SECONDS) as client, http.speaking_to(SERVICE):
        answer = client.get("/api/tags")
        answer.raise_for_status()
        try:
            return [str(model["name"]) for model in answer.json()["models"]]
        except (ValueError, KeyError, TypeError) as wrong:
            raise ServiceError("does not answer like a model server", subject=url) from wrong
