# SPDX-License-Identifier: Apache-2.0
"""Run a command as a service of the embedded runtime would."""

from collections.abc import Sequence

from beast_ops.cards import read_services
from beast_ops.place import Place
from beast_ops.runner import LocalRunner

from .launch import clean_environ, interpreter
from .values import words

SECONDS = 1800.0


def execute(place: Place, name: str, argv: Sequence[str]) -> str:
    """Run *argv* with the environment of the service called *name*; return what it printed.

    Raises:
        CardError: If there is no such service.
        CommandError: If it ends badly, or takes longer than half an hour.
    """
    service = read_services(place.require_deployed().services).service(name)
    given = service.model_copy(update={"process": tuple(argv)})
    runner = LocalRunner(environ=clean_environ(place))
    return runner.run(words(place, given, interpreter(place)), seconds=SECONDS)
