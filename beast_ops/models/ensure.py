# SPDX-License-Identifier: Apache-2.0
"""Have models present on a model server; what is there costs one question."""

from collections.abc import Callable, Iterable
from pathlib import Path

from beast_ops.cards import Services
from beast_ops.errors import MissingError, UnavailableError
from beast_ops.llm.ollama_server import once

from .names import missing
from .pull import pull
from .room import Free, free_in

Say = Callable[[str], None]


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
        PreflightError: If there is no room for one.
    """
    fetched: list[str] = []
    for service in services:
        if not service.models or service.address is None:
            continue
        try:
            # The models of a container of ours lie where all its data does.
            free = free_in(Path(services.data)) if service.contained else None
            fetched += ensure(service.address, service.models, say, free)
        except UnavailableError:
            if not service.optional:
                raise
            say(f"{service.name} is not there; its models are passed over")
    return tuple(fetched)


def ensure(url: str, wanted: Iterable[str], say: Say, free: Free | None = None) -> tuple[str, ...]:
    """Have the models *wanted* on the server at *url*; return those that were fetched.

    Args:
        url: Where the model server is.
        wanted: Names of models; the newest is meant where there is no tag.
        say: Takes one line of progress.
        free: Tells how many bytes are free where the server keeps its models, if that is known.

    Raises:
        UnavailableError: If the server does not answer.
        ServiceError: If a model cannot be had; it goes on from there the next time.
        PreflightError: If there is no room for one.
        MissingError: If there is no model of that name.
    """
    lacking = missing(wanted, present(url))
    for name in lacking:
        pull(url, name, say, free=free)
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
    return once(url, lambda server: server.models())
