# SPDX-License-Identifier: Apache-2.0
"""Is Docker there, and of versions that work?"""

from collections.abc import Iterator

from beast_ops.preflight import docker
from beast_ops.preflight.known import check_known

from . import table
from .model import Diagnosis, Scene


def engine(scene: Scene) -> Iterator[Diagnosis]:
    """Find a Docker that does not answer, is too old, or does not go with what it runs."""
    if not scene.composed or scene.services is None:
        return
    found = docker.look()
    if not found.engine:
        yield table.ENGINE.found(found.silence or "there is no program called docker")
        return
    if docker.version(found.engine) < docker.OLDEST_ENGINE:
        yield table.DOCKER_OLD.found(f"the engine is {found.engine}, 20.10 is needed")
    if docker.version(found.compose) < docker.OLDEST_COMPOSE:
        yield table.DOCKER_OLD.found(f"Compose is {found.compose or 'missing'}, 2.24 is needed")
    images = [each.image for each in scene.services if each.image]
    for bad in check_known(images, found):
        yield table.KNOWN_BAD.found(f"{bad.message} {bad.hint}", bad.id)
