# SPDX-License-Identifier: Apache-2.0
"""Learn from the answers of this process how fast models are, and keep it."""

from dataclasses import replace

from beast_ops.cards import read_services
from beast_ops.clock import SYSTEM, Clock
from beast_ops.gpu import speeds
from beast_ops.health.gpus import key_of, server_of
from beast_ops.llm.paces import PACES, Paces
from beast_ops.llm.state import ModelState

from .settings import Surroundings


def learn(
    around: Surroundings,
    models: ModelState | None,
    answers: Paces = PACES,
    clock: Clock = SYSTEM,
) -> None:
    """Take the answers there were since, and keep how fast they came.

    Args:
        around: Where the things of this process are.
        models: What the model server has; without it, answers wait for the next time.
        answers: Where they are taken from.
        clock: What time it is.

    Raises:
        BeastError: If it cannot be kept.
    """
    if around.models_url is None or models is None or not models.up:
        return
    ours = around.models_url.rstrip("/")
    found = [each for each in answers.taken() if each.server.rstrip("/") == ours]
    server = server_of(read_services(around.services)) if found else None
    if server is None:
        return
    named = [replace(each, server=key_of(server)) for each in found]
    path = speeds.speeds_file(around.data)
    speeds.write(path, speeds.learned(speeds.read(path), named, models.digests, clock.now()))
