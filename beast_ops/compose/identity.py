# SPDX-License-Identifier: Apache-2.0
"""Which image a name stands for: a tag can be moved, and then the same name means another one.

A release says names. What they stood for on this host when it was made ready is kept beside it,
by the ids of the engine, so that a tag that was moved since then is noticed.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from beast_ops.cards import Services
from beast_ops.errors import ConflictError
from beast_ops.files import write_atomically
from beast_ops.place import Place
from beast_ops.release.images import keeps_data

from .engine import Container, Engine

FILE = "images.json"
SHOWN = 12  # as many as Docker shows


def keep(folder: Path, services: Services, engine: Engine) -> None:
    """Write into *folder*, that of a release, what the images of *services* are here."""
    found = {each.name: engine.image_id(each.image) for each in services if each.image}
    write_atomically(folder / FILE, f"{json.dumps(found, indent=2)}\n".encode())


def kept(folder: Path) -> dict[str, str]:
    """Return what `keep` wrote for each service; nothing for a release older than that."""
    try:
        found = json.loads((folder / FILE).read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(name): str(id_) for name, id_ in found.items() if id_}


def differing(container: Container, engine: Engine, known: Mapping[str, str]) -> Iterator[str]:
    """Yield how the image of *container* is not the one that its name stands for.

    Args:
        container: A container that runs the image its release names.
        engine: The engine it is in.
        known: What `kept` returned for that release.
    """
    runs, now = container.image_id, engine.image_id(container.image)
    before = known.get(container.service, runs)
    if now is None:
        yield f"runs {short(runs)}, and nothing here is called {container.image} any more"
    elif now != runs:
        yield f"runs {short(runs)}, and {container.image} is {short(now)} now"
    if before != runs:
        then = f"was {short(before)} when this was deployed"
        yield f"runs {short(runs)}, and {container.image} {then}"


def refuse_replaced(place: Place, services: Services, engine: Engine) -> None:
    """Refuse to run another image on the data of a service because its name was moved.

    Raises:
        ConflictError: If one of *services* would; the message says how to go on.
    """
    running = {each.service: each for each in engine.containers(str(place.root))}
    for service in services:
        found = running.get(service.name)
        if found is None or found.image != service.image or service.ours:
            continue
        now = engine.image_id(found.image)
        if now and now != found.image_id and keeps_data(service.state):
            raise ConflictError(
                f"{service.name} keeps data and runs {short(found.image_id)}, and its image "
                f"{found.image} is {short(now)} now",
                subject=service.name,
                hint=f"Run: docker tag {found.image_id} {found.image}",
            )


def short(id_: str) -> str:
    """Return *id_* as short as Docker shows it."""
    return id_.removeprefix("sha256:")[:SHOWN]
